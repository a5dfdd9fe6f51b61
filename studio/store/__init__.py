"""What must not be lost: jobs and their records, in SQLite or PostgreSQL. A function a write, a transaction each."""
