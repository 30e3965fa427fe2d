//! Answers that are written while they are sent.

use std::io::{self, Write};
use std::task::Poll;
use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Sender};

/// How many chunks wait for a slow client.
const WAITING: usize = 4;
const CHUNK: usize = 64 * 1024;

/// How long a client may take for a chunk. A thread waits for it meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);

/// Bytes, or the end of an answer that is whole.
type Part = Option<Bytes>;

/// Hands what is written to the answer, in chunks. The last one goes with `flush`.
pub struct ToClient {
    sender: Sender<Part>,
    waiting: Vec<u8>,
}

impl ToClient {
    fn send(&self, part: Option<Bytes>) -> io::Result<()> {
        let sending = timeout(PATIENCE, self.sender.send(part));
        match Handle::current().block_on(sending) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
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
        self.send(Some(chunk))
    }
}

/// The body of an answer that `work` writes on a thread of its own, since it is read meanwhile. It ends when the
/// client is gone or takes nothing for a minute; `held` is held as long as the client is there.
pub fn written<H: 'static>(
    held: H,
    work: impl FnOnce(&mut ToClient) -> io::Result<()> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> {
    let (sender, mut receiver) = mpsc::channel::<Part>(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut to = ToClient { sender, waiting: Vec::with_capacity(CHUNK) };
        let done = work(&mut to).and_then(|()| to.flush()).and_then(|()| to.send(None));
        if let Err(error) = done
            && !to.sender.is_closed()
        {
            tracing::warn!(%error, "an answer broke off");
        }
    });
    let mut ended = false;
    stream::poll_fn(move |context| {
        let _ = &held;
        if ended {
            return Poll::Ready(None);
        }
        receiver.poll_recv(context).map(|part| match part {
            Some(Some(bytes)) => Some(Ok(bytes)),
            Some(None) => {
                ended = true;
                None
            }
            // The client sees a broken body and not a short one, also when `work` panicked.
            None => {
                ended = true;
                Some(Err(io::ErrorKind::UnexpectedEof.into()))
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    async fn parts(
        work: impl FnOnce(&mut ToClient) -> io::Result<()> + Send + 'static,
    ) -> Vec<std::result::Result<Bytes, io::ErrorKind>> {
        let body = written((), work);
        body.map(|part| part.map_err(|error| error.kind())).collect().await
    }

    #[actix_web::test]
    async fn an_answer_ends_well_only_when_it_is_whole() {
        let whole = parts(|to| to.write_all(b"all")).await;
        assert_eq!(whole, [Ok(Bytes::from_static(b"all"))]);
        let failed = parts(|to| {
            to.write_all(b"some")?;
            to.flush()?;
            Err(io::ErrorKind::Other.into())
        });
        let broken = [Ok(Bytes::from_static(b"some")), Err(io::ErrorKind::UnexpectedEof)];
        assert_eq!(failed.await, broken);
        let panicked = parts(|to| {
            to.write_all(b"some")?;
            to.flush()?;
            panic!("as a library may");
        });
        assert_eq!(panicked.await, broken);
    }
}
