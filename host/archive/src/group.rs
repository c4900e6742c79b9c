//! Group sync and group commit.
