//! Answers that are written while they are sent.

use std::io::{self, Write};

use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc::{self, Sender};

/// How many chunks wait for a slow client.
const WAITING: usize = 4;
const CHUNK: usize = 64 * 1024;

/// Hands what is written to the answer, in chunks. The last one goes with `flush`.
pub struct ToClient {
    sender: Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
}

impl Write for ToClient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.waiting));
        self.sender.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// The body of an answer that `work` writes on a thread of its own, since it is read meanwhile. It ends when the
/// client is gone; `held` is held as long as the client is there.
pub fn written<H: 'static>(
    held: H,
    work: impl FnOnce(ToClient) -> io::Result<()> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> {
    let (sender, mut receiver) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    tokio::task::spawn_blocking(move || {
        let failing = sender.clone();
        let to_client = ToClient { sender, waiting: Vec::with_capacity(CHUNK) };
        if let Err(error) = work(to_client)
            && !failing.is_closed()
        {
            tracing::warn!(%error, "an answer broke off");
            // The client sees a broken body and not a short one.
            let _ = failing.blocking_send(Err(error));
        }
    });
    stream::poll_fn(move |context| {
        let _ = &held;
        receiver.poll_recv(context)
    })
}
