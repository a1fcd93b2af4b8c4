"""What can be typed into a chat beside messages: `/undo`, `/tree`, `/effort high` and so on."""
