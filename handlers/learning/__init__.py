"""What people's reactions teach: unanswered questions and learned phrasings."""
