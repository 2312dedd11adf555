//! `cargo local` as a developer has it: the real program, on ports of its own, in a folder of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use serde_json::Value;

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// The folder of the programs, all of them built.
pub fn programs() -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let built = Command::new(env!("CARGO"))
            // With tests, so that dependencies are the very ones the tests were built with.
            .args(["build", "--quiet", "--workspace", "--bins", "--tests", "--offline"])
            .current_dir(root())
            .status();
        assert!(built.is_ok_and(|status| status.success()), "the programs build");
    });
    let test = std::env::current_exe().expect("our own path");
    test.parent().and_then(Path::parent).expect("target/debug").to_owned()
}

/// A running local cloud; killed when dropped.
pub struct Laptop {
    process: Child,
    pub ready: Value,
}

impl Laptop {
    /// Starts with these flags on any port, and waits for the ready line.
    pub fn start(flags: &[&str]) -> Self {
        let mut process = Self::spawn(flags, &["--port", "0", "--json"]);
        let output = process.stdout.take().expect("its output");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line: {line}"));
        Self { process, ready }
    }

    /// Starts with these flags where it must refuse to, and returns what it says.
    pub fn refused(flags: &[&str]) -> String {
        let mut process = Self::spawn(flags, &[]);
        let mut said = String::new();
        process.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
        assert!(!process.wait().expect("it ends").success(), "it refuses: {said}");
        said
    }

    fn spawn(flags: &[&str], more: &[&str]) -> Child {
        Command::new(programs().join("talaria"))
            .arg("local")
            .args(flags)
            .args(more)
            .current_dir(root())
            .stdout(Stdio::piped())
            .stderr(if more.is_empty() { Stdio::piped() } else { Stdio::null() })
            .spawn()
            .expect("the local cloud starts")
    }

    pub fn url(&self) -> &str {
        self.ready["http"].as_str().expect("a URL")
    }

    /// Ends it the hard way.
    pub fn kill(&mut self) {
        self.process.kill().expect("SIGKILL");
        self.process.wait().expect("it is gone");
    }

    /// Sends a request and reads the answer: status and body. `None` where the connection broke.
    pub fn send(&self, method: &str, path: &str, key: &str, body: &str) -> Option<(u16, String)> {
        let mut connection = self.write(method, path, key, body)?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Sends a request and does not wait for the answer.
    pub fn write(&self, method: &str, path: &str, key: &str, body: &str) -> Option<TcpStream> {
        let address = self.url().strip_prefix("http://")?;
        let mut connection = TcpStream::connect(address).ok()?;
        let key =
            if key.is_empty() { String::new() } else { format!("idempotency-key: {key}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{key}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(request.as_bytes()).ok()?;
        Some(connection)
    }

    /// Waits until every queue is empty, retries included.
    pub fn drain(&self) {
        assert_eq!(self.send("POST", "/_local/drain", "", "").map(|(status, _)| status), Some(204));
    }

    /// The texts of all mails to this address.
    pub fn mails_to(&self, address: &str) -> Vec<String> {
        let (_, body) = self.send("GET", "/_local/mailbox.json", "", "").expect("the mailbox");
        let json: Value = serde_json::from_str(&body).expect("JSON");
        let mails = json["data"].as_array().cloned().unwrap_or_default().into_iter();
        let ours = mails.filter(|mail| mail["to"].to_string().contains(address));
        ours.map(|mail| mail["text"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Laptop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An empty folder below the build folder; gone when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = programs().join("laptops").join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("a path of text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
