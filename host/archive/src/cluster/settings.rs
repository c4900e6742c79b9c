//! The cluster's configuration files, written anew at each start so that a new version of the host brings its own settings
//! and a moved data folder its own user. `local.conf` is the operator's and read last.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, chown},
    path::Path,
};

use super::{ClusterError, USER, owner::Owner};

/// What the acknowledgement of an object rests on, then room for a small machine, then a log that is bounded (seven files, one
/// per weekday) and carries no values: `terse` leaves out the details of errors, in which Postgres quotes rows.
const SETTINGS: &str = "\
# Written by Isocenter at each start. Put changes into local.conf in this folder.
fsync = on
synchronous_commit = on
full_page_writes = on

listen_addresses = ''
unix_socket_directories = '.'
unix_socket_permissions = 0700
port = 5432
max_connections = 50
cluster_name = 'isocenter'

shared_buffers = 128MB
effective_cache_size = 512MB
work_mem = 8MB
maintenance_work_mem = 64MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
min_wal_size = 128MB
wal_compression = on
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
jit = off
max_logical_replication_workers = 0
autovacuum_naptime = 20s
idle_in_transaction_session_timeout = 60s

timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_error_verbosity = terse
log_min_messages = warning
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off

include_if_exists = 'local.conf'
";

/// Writes them.
pub(super) fn write(folder: &Path, owner: &Owner) -> Result<(), ClusterError> {
    put(folder, "postgresql.conf", SETTINGS, owner)?;
    put(folder, "pg_hba.conf", "local all all peer map=host\n", owner)?;
    // The name is quoted because a user's name may be anything but a quote or a line end.
    let name = owner.host.replace(['"', '\n', '\r'], "");
    put(folder, "pg_ident.conf", &format!("host \"{name}\" {USER}\n"), owner)
}

fn put(folder: &Path, name: &str, text: &str, owner: &Owner) -> Result<(), ClusterError> {
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    let written = || -> io::Result<()> {
        // The folder is its user's, who may have put a link there: never write through one.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        chown(&new, Some(owner.uid), Some(owner.gid))?;
        fs::rename(&new, &path)
    };
    written().map_err(ClusterError::file("write", &path))
}
