//! A way to the server that breaks when a COMMIT comes by.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loses {
    /// The server commits, and the client never hears of it.
    Answer,
    /// The server never hears of it.
    Request,
    /// The server commits, and cannot be reached any more.
    All,
}

pub(super) struct Proxy {
    /// The target's address by this way.
    pub(super) url: String,
    state: Arc<State>,
}

struct State {
    server: String,
    loses: Loses,
    cut: AtomicBool,
    /// Nobody gets through.
    closed: AtomicBool,
}

impl Proxy {
    pub(super) fn before(url: &str, loses: Loses) -> anyhow::Result<Self> {
        let (front, database) = url.rsplit_once('/').context("no database")?;
        let (user, server) = front.rsplit_once('@').context("no user")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("{user}@127.0.0.1:{}/{database}", listener.local_addr()?.port());
        let (cut, closed) = (AtomicBool::new(false), AtomicBool::new(false));
        let state = Arc::new(State { server: server.to_owned(), loses, cut, closed });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || state.pass(client));
            }
        });
        Ok(Self { url, state })
    }

    pub(super) fn has_cut(&self) -> bool {
        self.state.cut.load(Ordering::SeqCst)
    }

    pub(super) fn mend(&self) {
        self.state.closed.store(false, Ordering::SeqCst);
    }
}

impl State {
    fn pass(&self, client: TcpStream) -> std::io::Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Ok(());
        }
        let server = TcpStream::connect(&self.server)?;
        let (mut answers, mut asker) = (server.try_clone()?, client.try_clone()?);
        let back = std::thread::spawn(move || std::io::copy(&mut answers, &mut asker));
        let passed = self.ask(&client, &server);
        // Ends the other direction too.
        let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        let _ = back.join();
        passed
    }

    fn ask(&self, mut client: &TcpStream, mut server: &TcpStream) -> std::io::Result<()> {
        let mut bytes = vec![0; 1 << 16];
        loop {
            let count = client.read(&mut bytes)?;
            let asked = &bytes[..count];
            let is_commit = asked.windows(7).any(|window| window == b"COMMIT\0");
            let cuts = is_commit && !self.cut.swap(true, Ordering::SeqCst);
            if count == 0 || cuts && self.loses == Loses::Request {
                return Ok(());
            }
            if cuts {
                self.closed.store(self.loses == Loses::All, Ordering::SeqCst);
                // Nothing comes back any more; the server still works on what it got.
                client.shutdown(Shutdown::Both)?;
            }
            server.write_all(asked)?;
            if cuts {
                std::thread::sleep(std::time::Duration::from_millis(500));
                return Ok(());
            }
        }
    }
}
