"""What the page knows of the tasks; generated from tasks/."""
