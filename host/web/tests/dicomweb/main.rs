//! The routes with a real archive below them: one private Postgres for each story, requests made in process.

mod host;
mod object;

mod hostile;
mod page;
mod retrieve;
mod search;
mod store;
