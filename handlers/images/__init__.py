"""Pictures in answers: those that a row names are shown as images, or as links where Slack can't show them."""
