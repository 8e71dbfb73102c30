"""What is kept on disk: snapshots, vectors, versions; and what goes in and out as a CSV."""
