//! The routes with a real archive below them: one private Postgres for each story, requests made in process.

// Marked as tests as a whole, so that their helpers may unwrap too.
#[cfg(test)]
mod host;
#[cfg(test)]
mod object;

#[cfg(test)]
mod access;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod page;
#[cfg(test)]
mod plugin;
#[cfg(test)]
mod retrieve;
#[cfg(test)]
mod search;
#[cfg(test)]
mod store;
