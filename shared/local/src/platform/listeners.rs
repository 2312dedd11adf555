//! The loopback ports of a platform, bound before anything else so that a taken one is told at once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::boot::BootError;

/// Where a platform listens; every address is loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The HTTP APIs and the mailbox.
    pub http: SocketAddr,
    /// DynamoDB, SQS, SNS, Secrets Manager and Lambda `Invoke`.
    pub aws: SocketAddr,
    /// Mail for the mailbox.
    pub smtp: SocketAddr,
    /// The Lambda Runtime API, for functions in processes of their own.
    pub runtime: SocketAddr,
}

/// Sockets that are bound and not yet served.
pub(super) struct Listeners {
    pub http: TcpListener,
    pub aws: TcpListener,
    pub smtp: TcpListener,
    pub runtime: TcpListener,
    pub addresses: Addresses,
}

impl Listeners {
    /// The APIs on this port, refused where it is taken; AWS and SMTP on the next two and the Runtime
    /// API on any, or all of them on any where those are taken.
    pub async fn bind(port: u16) -> Result<Self, BootError> {
        let after = |steps| if port == 0 { 0 } else { port.checked_add(steps).unwrap_or(0) };
        let (http, at_http) = bind(port).await?;
        let (aws, at_aws) = bind_near(after(1)).await?;
        let (smtp, at_smtp) = bind_near(after(2)).await?;
        let (runtime, at_runtime) = bind(0).await?;
        let addresses =
            Addresses { http: at_http, aws: at_aws, smtp: at_smtp, runtime: at_runtime };
        Ok(Self { http, aws, smtp, runtime, addresses })
    }
}

async fn bind_near(port: u16) -> Result<(TcpListener, SocketAddr), BootError> {
    match bind(port).await {
        Err(BootError::PortInUse { .. }) => bind(0).await,
        other => other,
    }
}

async fn bind(port: u16) -> Result<(TcpListener, SocketAddr), BootError> {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => BootError::PortInUse { port },
        _ => BootError::NoPort { address, message: error.to_string() },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
