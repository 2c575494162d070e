"""Run, publish and monitor builds."""
