"""What admins see and set: settings, status, statistics, audit."""
