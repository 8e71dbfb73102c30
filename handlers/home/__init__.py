"""The Home tab, and the bot's first words in a channel."""
