use clap::{CommandFactory, Parser};
use expect_test::expect;

use super::{Cli, Command};

mod documentation;

fn help(path: &[&str]) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut found = &mut command;
    for name in path {
        found = found.find_subcommand_mut(name).unwrap();
    }
    found.render_help().to_string()
}

#[test]
fn help_of_the_program() {
    expect![[r#"
        A PACS that is extended by sandboxed plugins

        Usage: isocenter [OPTIONS] <COMMAND>

        Commands:
          serve         Run the host until SIGINT or SIGTERM, then drain
          check         Load the configuration and every plugin, say what is wrong, and bind no port
          seed          Send sample studies of several modalities to the running host (sent again, they are stored once)
          import        Send every DICOM file of a folder to the running host; the status says whether all were taken
          verify        Compare packs, digests and the index
          reindex       Rebuild the index from the packs alone
          reload        Have the running host read its configuration again; if something is wrong with it, what runs goes on
          try           Show what a chain of the running host would do to files: each step with the elements it changes; nothing is stored
          quarantine    Objects that the running host holds: list, release, retry or discard them
          dead-letters  Work that the running host gave up: list it, have it tried again, or discard it
          parked        Events that a sink of the running host could not take: list them, have them sent again, or discard them
          worklist      What is to be done, as modalities ask it of the running host: list entries, add or change some, or remove them
          mpps          What modalities have performed, as they told the running host
          outcomes      What plugins of the running host did: to an object, about a study, or one of them
          query         Ask another archive, a DICOM destination of the running host, what it has (C-FIND)
          retrieve      Have a study of another archive, a DICOM destination of the running host, come here (C-GET, C-MOVE)
          plugin        Write a plugin: make a project, build it, run its cases, look at a component; needs no host
          version       Print the version
          help          Print this message or the help of the given subcommand(s)

        Options:
          -c, --config <FILE>  The configuration, a TOML file; without it everything has its default
          -h, --help           Print help
          -V, --version        Print version
    "#]]
    .assert_eq(&help(&[]));
}

#[test]
fn help_of_commands() {
    expect![[r#"
        Send sample studies of several modalities to the running host (sent again, they are stored once)

        Usage: isocenter seed [OPTIONS]

        Options:
          -c, --config <FILE>   The configuration, a TOML file; without it everything has its default
              --to <HOST:PORT>  Address of the DICOM port [default: the configuration's]
              --called <AE>     AE title to call [default: the configuration's]
              --calling <AE>    AE title to call from [default: ISOCENTER-SEND]
              --folder <DIR>    Write the studies into this folder instead of sending them
          -h, --help            Print help
    "#]]
    .assert_eq(&help(&["seed"]));
    expect![[r#"
        Send every DICOM file of a folder to the running host; the status says whether all were taken

        Usage: isocenter import [OPTIONS] <DIR>

        Arguments:
          <DIR>  The folder, or a single file; links to folders are not followed

        Options:
          -c, --config <FILE>   The configuration, a TOML file; without it everything has its default
              --to <HOST:PORT>  Address of the DICOM port [default: the configuration's]
              --called <AE>     AE title to call [default: the configuration's]
              --calling <AE>    AE title to call from [default: ISOCENTER-SEND]
          -h, --help            Print help
    "#]]
    .assert_eq(&help(&["import"]));
}

/// The forms that scripts rely on.
#[test]
fn fixed_forms() {
    let serve = Cli::try_parse_from(["isocenter", "serve", "--config", "x.toml"]).unwrap();
    assert!(matches!(serve.command, Command::Serve));
    assert_eq!(serve.config.unwrap().to_str(), Some("x.toml"));
    let table: [(&[&str], bool); 8] = [
        (&["serve"], true),
        (&["--config", "x", "check"], true),
        (&["seed", "--to", "127.0.0.1:104", "--called", "PACS"], true),
        (&["seed", "--folder", "x", "--to", "127.0.0.1:104"], false),
        (&["import", "DIR"], true),
        (&["import"], false),
        (&["verify"], true),
        (&["unknown"], false),
    ];
    for (arguments, right) in table {
        let parsed = Cli::try_parse_from(std::iter::once("isocenter").chain(arguments.iter().copied()));
        assert_eq!(parsed.is_ok(), right, "{arguments:?}");
    }
}
