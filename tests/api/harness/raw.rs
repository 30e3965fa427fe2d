//! A client that sends bytes as they are, for what a well-behaved one refuses to send.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::Answer;

/// One connection. It blocks: the server has threads of its own.
pub struct Raw(BufReader<TcpStream>);

impl Raw {
    /// To the server at `http://…`.
    pub fn connect(base: &str) -> Self {
        let stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
        // Nothing takes as long: who waits in vain fails instead of hanging.
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.set_write_timeout(Some(Duration::from_mins(1))).unwrap();
        Self(BufReader::new(stream))
    }

    /// Whether it was sent: a server that has answered already may have hung up.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.get_mut().write_all(bytes).is_ok()
    }

    /// The other half of the connection, for a thread that goes on sending.
    pub fn sender(&self) -> TcpStream {
        self.0.get_ref().try_clone().unwrap()
    }

    /// The next answer; none when the server has closed the connection.
    pub fn answer(&mut self) -> Option<Answer> {
        let status = self.line()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let length = headers.get("content-length").map_or("0", |value| value.to_str().unwrap());
        let mut text = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Some(Answer { status, headers, body, text })
    }

    /// Waits until the server hangs up, also by a reset, and fails when it goes on answering.
    pub fn expect_end(mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest)),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.0.read_until(b'\n', &mut line) {
            Ok(read) if read > 0 => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer"),
            _ => return None,
        }
        Some(String::from_utf8(line).unwrap().trim_end().to_owned())
    }
}
