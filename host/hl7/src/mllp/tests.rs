use super::*;

fn options() -> Options {
    Options {
        longest: 1000,
        idle: Duration::from_millis(200),
        message_time: Duration::from_millis(200),
        ..Options::default()
    }
}

async fn received(bytes: &[u8]) -> Vec<Result<Option<Vec<u8>>, String>> {
    let (mut peer, mut own) = tokio::io::duplex(64);
    let bytes = bytes.to_vec();
    let sending = tokio::spawn(async move {
        let _ = peer.write_all(&bytes).await;
    });
    let (mut buffer, mut all) = (BytesMut::new(), Vec::new());
    loop {
        let next = receive(&mut own, &mut buffer, &options()).await;
        let next = next
            .map(|message| message.map(|bytes| bytes.to_vec()))
            .map_err(|error| error.to_string());
        let over = !matches!(next, Ok(Some(_)));
        all.push(next);
        if over {
            sending.abort();
            return all;
        }
    }
}

#[tokio::test]
async fn messages_come_in_any_pieces() {
    let long = [b"\x0b".to_vec(), vec![b'x'; 900], b"\x1c\r".to_vec()].concat();
    let both = [b"\x0bone\x1c\r\r\n\x0b\x1cx\x1c\r".to_vec(), long].concat();
    let expected = vec![
        Ok(Some(b"one".to_vec())),
        Ok(Some(b"\x1cx".to_vec())),
        Ok(Some(vec![b'x'; 900])),
        Ok(None),
    ];
    assert_eq!(received(&both).await, expected);
}

#[tokio::test]
async fn what_is_no_message_ends_the_connection() {
    assert!(
        received(b"GET / HTTP/1.1\r\n").await[0]
            .as_ref()
            .unwrap_err()
            .contains("no MLLP")
    );
    assert!(
        received(&[vec![BEGIN], vec![b'x'; 2000]].concat()).await[0]
            .as_ref()
            .unwrap_err()
            .contains("longer than")
    );
    assert!(
        received(b"\x0bhalf").await[0]
            .as_ref()
            .unwrap_err()
            .contains("within a message")
    );
}

#[tokio::test]
async fn who_rests_within_a_message_is_not_waited_for() {
    let (mut peer, mut own) = tokio::io::duplex(64);
    peer.write_all(b"\x0bhalf").await.unwrap();
    let mut buffer = BytesMut::new();
    let error = receive(&mut own, &mut buffer, &options()).await.unwrap_err();
    assert!(matches!(error, Broken::Slow), "{error}");
}
