//! The Lambda Runtime API for one process: hands out the same event again and again, and measures.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One process, measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Spawn to first response.
    pub cold: Duration,
    /// Processor time up to the first response.
    pub cold_cpu: Duration,
    /// Processor time of one further call, on average.
    pub warm_cpu: Duration,
}

/// The API on a port of its own.
pub struct RuntimeApi(TcpListener);

impl RuntimeApi {
    pub fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    /// Runs the command as a function and gives it the event once, then `calls` times.
    pub fn measure(&self, mut command: Command, event: &str, calls: usize) -> Measured {
        let address = self.0.local_addr().expect("an address").to_string();
        command
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .stdout(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().expect("the function starts");
        let mut left = calls + 1;
        let (mut cold, mut cold_cpu) = (Duration::ZERO, Duration::ZERO);
        while left > 0 {
            let (connection, _) = self.0.accept().expect("the function calls");
            connection.set_nodelay(true).expect("a socket option");
            left = serve(
                connection,
                event,
                left,
                |answered| {
                    if answered == 0 {
                        (cold, cold_cpu) = (started.elapsed(), processor_time(&child));
                    }
                },
                calls,
            );
        }
        let warm = processor_time(&child).saturating_sub(cold_cpu);
        child.kill().expect("the function stops");
        child.wait().expect("the function stopped");
        Measured { cold, cold_cpu, warm_cpu: warm / u32::try_from(calls).unwrap_or(1).max(1) }
    }
}

/// Serves one connection until it closes or every call is answered; what is left to answer.
fn serve(
    connection: TcpStream,
    event: &str,
    mut left: usize,
    mut answered: impl FnMut(usize),
    calls: usize,
) -> usize {
    let mut writer = connection.try_clone().expect("a socket");
    let mut reader = BufReader::new(connection);
    while let Some(path) = request(&mut reader) {
        if path.ends_with("/next") {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 lambda-runtime-aws-request-id: 00000000-0000-0000-0000-000000000001\r\n\
                 lambda-runtime-deadline-ms: 4102444800000\r\n\
                 lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:1:function:bench\r\n\r\n",
                event.len()
            );
            let sent =
                writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(event.as_bytes()));
            if sent.is_err() {
                return left;
            }
        } else {
            answered(calls + 1 - left);
            left -= 1;
            let accepted = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
            if left == 0 || writer.write_all(accepted.as_bytes()).is_err() {
                return left;
            }
        }
    }
    left
}

/// The path of the next request, its body read over; nothing where the connection closed.
fn request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let (mut length, mut chunked) = (0_usize, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        chunked |= header == "transfer-encoding: chunked";
        if let Some(text) = header.strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
    }
    if chunked {
        while let Some(size) = chunk(reader) {
            if size == 0 {
                break;
            }
        }
    } else {
        reader.take(u64::try_from(length).ok()?).read_to_end(&mut Vec::new()).ok()?;
    }
    Some(path)
}

fn chunk(reader: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let size = usize::from_str_radix(line.trim(), 16).ok()?;
    reader.take(u64::try_from(size + 2).ok()?).read_to_end(&mut Vec::new()).ok()?;
    Some(size)
}

/// Processor time the process has used, from the scheduler's own count in nanoseconds.
fn processor_time(child: &Child) -> Duration {
    let text =
        std::fs::read_to_string(format!("/proc/{}/schedstat", child.id())).unwrap_or_default();
    let used = text.split_whitespace().next().and_then(|text| text.parse().ok());
    Duration::from_nanos(used.unwrap_or(0))
}
