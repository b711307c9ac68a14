//! The answer to a COMMIT gets lost on the way: the load record decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chartlift_io::Error;
use chartlift_io::target::connect;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::place::{Place, batch, open, outcome, patient, patients};

#[derive(Clone, Copy, PartialEq)]
enum Loses {
    /// The server commits, and the client never hears of it.
    Answer,
    /// The server never hears of it.
    Request,
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let place = Place::postgres().await;
    let committed = commit_through(&place, Loses::Answer).await.expect("the record is there");
    assert_eq!(committed.state, "committed");
    assert_eq!(place.value("SELECT count(*) FROM patients").await, "1");
    place.remove().await;
}

#[tokio::test]
async fn a_lost_request_is_told_as_a_broken_connection() {
    let place = Place::postgres().await;
    let error = commit_through(&place, Loses::Request).await.expect_err("nothing was committed");
    assert!(matches!(error, Error::Connection { .. }) && error.is_transient(), "{error:?}");
    assert_eq!(place.value("SELECT count(*) FROM patients").await, "0");
    place.remove().await;
}

async fn commit_through(place: &Place, loses: Loses) -> Result<chartlift_io::target::LoadRecord, Error> {
    place.ready().await;
    let url = place.url();
    let (front, database) = url.rsplit_once('/').expect("a database");
    let server = front.rsplit_once('@').expect("a host").1.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let proxy = tokio::spawn(proxy(listener, server, loses));
    let target = connect(&format!("postgresql://postgres@127.0.0.1:{port}/{database}")).await?;
    let patients = patients();
    let mut load = open(target.as_ref(), "1").await;
    load.write(&patients.spec, &batch(&patients, &[patient("p1", "one")])).await?;
    let result = load.commit(&outcome(&[("patients", 1)])).await;
    proxy.abort();
    result
}

/// Passes everything on, but cuts the first connection that sends a COMMIT.
async fn proxy(listener: TcpListener, server: String, loses: Loses) {
    let cut = Arc::new(AtomicBool::new(false));
    while let Ok((client, _)) = listener.accept().await {
        let Ok(upstream) = TcpStream::connect(&server).await else { return };
        tokio::spawn(pass(client, upstream, loses, Arc::clone(&cut)));
    }
}

async fn pass(mut client: TcpStream, mut upstream: TcpStream, loses: Loses, cut: Arc<AtomicBool>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            Ok(count) = client.read(&mut asked) => {
                let is_commit = asked[..count].windows(6).any(|window| window == b"COMMIT");
                let last = is_commit && !cut.swap(true, Ordering::SeqCst);
                if count == 0 || last && loses == Loses::Request {
                    return;
                }
                if upstream.write_all(&asked[..count]).await.is_err() {
                    return;
                }
                if last {
                    // Wait until the server has answered, and keep the answer.
                    let _ = upstream.read(&mut answered).await;
                    return;
                }
            }
            Ok(count) = upstream.read(&mut answered) => {
                if count == 0 || client.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}
