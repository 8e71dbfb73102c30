"""Data on disk: snapshots, vectors, versions; and importing and exporting CSV files."""
