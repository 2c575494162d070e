{{ parameters(['optimization']) }} {{ changes_in_words('optimization') }}
