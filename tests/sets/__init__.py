"""Questions whose right rows are known, for three sample knowledge bases and two others; see README.md."""
