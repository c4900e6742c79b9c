use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::Connection;

use crate::{
    cluster::tests::fresh_index,
    index::{Index, IndexError, LONGEST_STATE_KEY, LONGEST_STATE_VALUE, StateTrouble},
};

const QUOTA: u64 = 16 << 20;
const LONG: Option<Duration> = Some(Duration::from_secs(3600));
/// What has this is expired when it is written.
const GONE: Option<Duration> = Some(Duration::ZERO);

async fn value(index: &Index, plugin: &str, key: &str) -> Option<Vec<u8>> {
    let entry = index.state_get(plugin, key).await.unwrap();
    entry.map(|entry| entry.value)
}

#[tokio::test]
async fn a_values_life() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let put = async |value: &[u8], expect, ttl| index.state_put("p", "k", value, expect, ttl, QUOTA).await;
    assert_eq!(index.state_get("p", "k").await.unwrap(), None);
    assert!(matches!(put(b"a", Some(1), None).await, Err(StateTrouble::Conflict)));
    let first = put(b"a", Some(0), None).await.unwrap();
    assert!(matches!(put(b"b", Some(0), None).await, Err(StateTrouble::Conflict)));
    let entry = index.state_get("p", "k").await.unwrap().unwrap();
    assert_eq!((entry.value, entry.version), (b"a".to_vec(), first));
    let second = put(b"bb", Some(first), LONG).await.unwrap();
    assert!(matches!(
        put(b"c", Some(first), None).await,
        Err(StateTrouble::Conflict)
    ));
    let third = put(b"", None, None).await.unwrap();
    assert_eq!(value(index, "p", "k").await, Some(vec![]));

    // A version does not come back, whatever becomes of the key.
    assert!(index.state_delete("p", "k").await.unwrap());
    assert!(!index.state_delete("p", "k").await.unwrap());
    assert!(matches!(
        put(b"d", Some(third), None).await,
        Err(StateTrouble::Conflict)
    ));
    let fourth = put(b"d", Some(0), None).await.unwrap();
    assert!(0 < first && first < second && second < third && third < fourth);

    // Another plugin's key of the same name is another key.
    index.state_put("q", "k", b"q", Some(0), None, QUOTA).await.unwrap();
    assert_eq!(value(index, "p", "k").await, Some(b"d".to_vec()));
    assert!(index.state_delete("p", "k").await.unwrap());
    assert_eq!(value(index, "q", "k").await, Some(b"q".to_vec()));
    assert_eq!(
        (
            index.state_used("p").await.unwrap(),
            index.state_used("q").await.unwrap()
        ),
        (0, 2)
    );
}

#[tokio::test]
async fn the_longest_and_longer() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let (key, long) = ("k".repeat(LONGEST_STATE_KEY), vec![7; LONGEST_STATE_VALUE]);
    index.state_put("p", &key, &long, None, None, QUOTA).await.unwrap();
    assert_eq!(value(index, "p", &key).await, Some(long.clone()));
    assert_eq!(index.state_used("p").await.unwrap(), (key.len() + long.len()) as u64);
    let longer = [long, vec![7]].concat();
    let error = index.state_put("p", "k", &longer, None, None, QUOTA).await.unwrap_err();
    assert_eq!(error.to_string(), "a value of state has at most 65536 bytes");
    let error = index
        .state_put("p", &format!("{key}k"), b"", None, None, QUOTA)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "a key of state has at most 512 bytes");
}

#[tokio::test]
async fn expired_entries_are_as_absent_and_swept() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    for key in ["a", "b", "c"] {
        index.state_put("p", key, b"1234", None, GONE, QUOTA).await.unwrap();
    }
    index.state_put("p", "d", b"1234", None, LONG, QUOTA).await.unwrap();
    index.state_put("q", "e", b"1234", None, GONE, QUOTA).await.unwrap();
    assert_eq!(value(index, "p", "a").await, None);
    assert_eq!(index.state_keys("p", "", None, 10).await.unwrap(), ["d"]);
    assert!(!index.state_delete("p", "a").await.unwrap());
    assert!(matches!(
        index.state_put("p", "b", b"2", Some(2), None, QUOTA).await,
        Err(StateTrouble::Conflict)
    ));
    index.state_put("p", "b", b"2", Some(0), None, QUOTA).await.unwrap();
    assert_eq!(index.state_used("p").await.unwrap(), 5 + 5 + 2);
    assert_eq!(index.sweep_state().await.unwrap(), 2);
    assert_eq!(index.sweep_state().await.unwrap(), 0);
    assert_eq!(
        (
            index.state_used("p").await.unwrap(),
            index.state_used("q").await.unwrap()
        ),
        (5 + 2, 0)
    );
    assert_eq!(index.state_keys("p", "", None, 10).await.unwrap(), ["b", "d"]);

    // They do not use up the quota, swept or not.
    index.state_put("p", "c", b"1234", None, GONE, QUOTA).await.unwrap();
    index.state_put("p", "f", b"1234", None, None, 12).await.unwrap();
    assert_eq!(index.state_used("p").await.unwrap(), 12);
    assert!(matches!(
        index.state_put("p", "g", b"", None, None, 12).await,
        Err(StateTrouble::OverQuota { quota: 12 })
    ));
    // Where the quota was lowered, what does not grow is written, and what shrinks.
    index.state_put("p", "f", b"4321", None, None, 1).await.unwrap();
    index.state_put("p", "f", b"", None, None, 1).await.unwrap();
    assert_eq!(index.state_used("p").await.unwrap(), 8);
}

#[tokio::test]
async fn keys_in_order_and_in_pages() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let keys = [
        "",
        "\0",
        "a",
        "a%",
        "a/1",
        "a/10",
        "a/2",
        "a_",
        "b",
        "a\u{10ffff}",
        "é",
        "日本",
    ];
    for key in keys {
        index.state_put("p", key, b"x", Some(0), None, QUOTA).await.unwrap();
    }
    index.state_put("q", "a/0", b"x", Some(0), None, QUOTA).await.unwrap();
    let mut sorted = keys;
    sorted.sort_unstable();
    for (prefix, after, limit, expected) in [
        ("", None, 100, &sorted[..]),
        ("", None, 3, &sorted[..3]),
        ("", Some("a/1"), 2, &["a/10", "a/2"][..]),
        ("a/", None, 100, &["a/1", "a/10", "a/2"]),
        ("a/", Some("a/1"), 100, &["a/10", "a/2"]),
        ("a/", Some("a/2"), 100, &[]),
        ("a%", None, 100, &["a%"]),
        ("a_", None, 100, &["a_"]),
        ("b", Some("a"), 100, &["b"]),
        ("é", None, 100, &["é"]),
        ("z", None, 100, &[]),
        ("", None, 0, &[]),
    ] {
        let found = index.state_keys("p", prefix, after, limit).await.unwrap();
        assert_eq!(found, expected, "{prefix:?} {after:?}");
    }
}

/// Four hosts add to the same numbers, each only over what it has read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_overwritten_unseen() {
    let fresh = fresh_index().await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let index = Index::connect(fresh.options.clone(), 4).await.unwrap();
        tasks.push(tokio::spawn(async move {
            for round in 0..12u32 {
                let key = format!("sum {}", round % 3);
                loop {
                    let entry = index.state_get("p", &key).await.unwrap();
                    let (sum, version) = entry.map_or((0, 0), |entry| {
                        (String::from_utf8(entry.value).unwrap().parse().unwrap(), entry.version)
                    });
                    let sum: u32 = sum;
                    let next = (sum + 1).to_string();
                    match index
                        .state_put("p", &key, next.as_bytes(), Some(version), None, QUOTA)
                        .await
                    {
                        Ok(new) => {
                            assert!(new > version);
                            break;
                        }
                        Err(StateTrouble::Conflict) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut sum = 0;
    for key in fresh.index.state_keys("p", "", None, 10).await.unwrap() {
        let text = String::from_utf8(value(&fresh.index, "p", &key).await.unwrap()).unwrap();
        sum += text.parse::<u32>().unwrap();
    }
    assert_eq!(sum, 48);
}

/// Eight writers of four hosts fill a plugin's quota, and delete and shrink meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_quota_holds_whoever_writes() {
    let fresh = fresh_index().await;
    // Beyond the size where all writers wait for each other, and not by much.
    for quota in [100_000u64, 700_000] {
        let plugin = format!("of {quota}");
        let mut tasks = Vec::new();
        for writer in 0..8u32 {
            let index = Index::connect(fresh.options.clone(), 3).await.unwrap();
            let plugin = plugin.clone();
            tasks.push(tokio::spawn(async move {
                let mut refused = 0;
                for round in 0..30u32 {
                    let key = format!("{writer}/{}", round % 17);
                    let size = [30_000, 100, 9000, 0][(round % 4) as usize];
                    match index.state_put(&plugin, &key, &vec![1; size], None, None, quota).await {
                        Ok(_) => {}
                        Err(StateTrouble::OverQuota { .. }) => refused += 1,
                        Err(error) => panic!("{error}"),
                    }
                    if round % 9 == 8 {
                        index
                            .state_delete(&plugin, &format!("{writer}/{}", round % 5))
                            .await
                            .unwrap();
                    }
                    let used = index.state_used(&plugin).await.unwrap();
                    assert!(used <= quota, "{used} of {quota}");
                }
                refused
            }));
        }
        let mut refused = 0;
        for task in tasks {
            refused += task.await.unwrap();
        }
        assert!(refused > 0);
        // The count is that of what is there.
        let mut there = 0;
        for key in fresh.index.state_keys(&plugin, "", None, 1000).await.unwrap() {
            there += key.len() + value(&fresh.index, &plugin, &key).await.unwrap().len();
        }
        let used = fresh.index.state_used(&plugin).await.unwrap();
        assert_eq!(used, there as u64);
        // And what was refused was refused for want of room.
        let rest = quota - used;
        if let Some(size) = usize::try_from(rest)
            .unwrap()
            .checked_sub(1)
            .filter(|size| *size <= LONGEST_STATE_VALUE)
        {
            fresh
                .index
                .state_put(&plugin, "z", &vec![1; size], None, None, quota)
                .await
                .unwrap();
            assert_eq!(fresh.index.state_used(&plugin).await.unwrap(), quota);
        }
    }
}

/// A writer that holds one key's slot does not hold up the writer of a key in another.
#[tokio::test]
async fn different_keys_do_not_wait_for_each_other() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        index.state_put("p", key, b"1", None, None, QUOTA).await.unwrap();
    }
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let held: i16 = sqlx::query_scalar("SELECT slot FROM plugin_state WHERE key = 'a' FOR UPDATE")
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
    sqlx::query("SELECT FROM plugin_state_slots WHERE slot = $1 FOR UPDATE")
        .bind(held)
        .execute(&mut *transaction)
        .await
        .unwrap();
    let others: BTreeMap<Vec<u8>, i16> = sqlx::query_as("SELECT key, slot FROM plugin_state WHERE slot <> $1")
        .bind(held)
        .fetch_all(&mut *transaction)
        .await
        .unwrap()
        .into_iter()
        .collect();
    assert!(!others.is_empty());
    for key in others.keys() {
        let key = str::from_utf8(key).unwrap();
        index.state_put("p", key, b"22", None, None, QUOTA).await.unwrap();
    }
    let waits = tokio::spawn({
        let index = index.clone();
        async move { index.state_put("p", "a", b"22", None, None, QUOTA).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waits.is_finished());
    transaction.rollback().await.unwrap();
    waits.await.unwrap().unwrap();
}

/// A commit whose answer is lost is not taken for another's write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_whose_connections_are_cut() {
    let fresh = fresh_index().await;
    let index = Index::connect(fresh.options.clone(), 3).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let until = done.clone();
    let writer = tokio::spawn(async move {
        let (mut version, mut written) = (0, 0);
        while written == 0 || !until.load(Ordering::Relaxed) {
            match index.state_put("p", "k", b"v", Some(version), None, QUOTA).await {
                Ok(new) => {
                    version = new;
                    written += 1;
                }
                Err(StateTrouble::Index(IndexError::Unavailable(_))) => {
                    version = loop {
                        match index.state_get("p", "k").await {
                            Ok(entry) => break entry.map_or(0, |entry| entry.version),
                            Err(IndexError::Unavailable(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    };
                }
                Err(error) => panic!("{error}"),
            }
        }
        written
    });
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    let mut cut = 0;
    while cut < 20 && !writer.is_finished() {
        let ended = sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction') AND query NOT LIKE 'SET%'",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        cut += ended.rows_affected();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    done.store(true, Ordering::Relaxed);
    assert!(writer.await.unwrap() > 0);
}
