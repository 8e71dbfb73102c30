"""Questions with known answers for the sample knowledge bases."""
