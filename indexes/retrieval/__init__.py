"""From a question to scored hits: lexical and dense search, and what prepares texts for them."""
