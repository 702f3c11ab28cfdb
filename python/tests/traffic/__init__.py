"""What providers really send, through every way in which an app can ask."""
