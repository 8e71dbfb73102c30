"""Adding, editing and proposing entries of a knowledge base."""
