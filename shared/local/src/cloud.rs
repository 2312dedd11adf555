//! Opening a cloud: its data folder, its services, its clock, and the client everything talks to.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::aws::dynamodb::Tables;
use crate::aws::objects::Objects;
use crate::aws::secrets::Secrets;
use crate::aws::sns::Topics;
use crate::aws::sqs::Queues;
use crate::aws::{Extension, Services};
use crate::clock::VirtualClock;
use crate::connector::{Connector, Guard, Observer, Violation};
use crate::fault::Faults;
use crate::state::Store;

/// Version of the data folder's layout. Raised when an older folder can no longer be read.
const LAYOUT: &str = "1";

/// Where a cloud keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Nowhere: gone with the process.
    Memory,
    /// In this folder, made if missing: `dynamodb.sqlite`, `state.sqlite`, `VERSION`, `lock`.
    Folder(PathBuf),
}

/// Why a cloud could not be opened. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder open.
    #[error(
        "{} is in use by another local cloud; stop that one, or choose another folder with --data",
        folder.display()
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The folder was written by a program with another layout.
    #[error(
        "{} has data layout {found}, this program needs {LAYOUT}; move the folder away or delete \
         it (local data only), or start with --memory",
        folder.display()
    )]
    OtherLayout {
        /// The data folder.
        folder: PathBuf,
        /// Its layout version.
        found: String,
    },
    /// The folder cannot be made, read or written.
    #[error("{} cannot be used as data folder: {message}", folder.display())]
    Unusable {
        /// The data folder.
        folder: PathBuf,
        /// The system's or the engine's words.
        message: String,
    },
    /// The in-memory engine could not be started.
    #[error("the embedded engine could not be started: {0}")]
    Engine(String),
}

/// A local AWS: DynamoDB, SQS, SNS, Secrets Manager and S3 behind one in-process HTTP client.
/// Clones share it; the data folder is free again when the last clone is gone.
#[derive(Clone)]
pub struct Cloud {
    connector: Connector,
    store: Store,
    _lock: Option<Arc<File>>,
}

impl Cloud {
    /// Opens the cloud. What was acknowledged before a crash is there again; messages
    /// that were in flight reappear at once, because whoever received them is gone.
    pub fn open(storage: Storage, clock: VirtualClock) -> Result<Self, OpenError> {
        let folder = match storage {
            Storage::Memory => None,
            Storage::Folder(folder) => Some(folder),
        };
        let lock = folder.as_deref().map(claim).transpose()?.map(Arc::new);
        let file = |name: &str| folder.as_ref().map(|folder| folder.join(name));
        let failed = |message: String| match &folder {
            None => OpenError::Engine(message),
            Some(folder) => OpenError::Unusable { folder: folder.clone(), message },
        };
        let tables = Tables::open(file("dynamodb.sqlite").as_deref(), &clock)
            .map_err(|error| failed(error.to_string()))?;
        let store = Store::open(file("state.sqlite").as_deref())
            .map_err(|error| failed(error.to_string()))?;
        let unread = |error: crate::state::StoreError| failed(error.to_string());
        let queues = Queues::open(&store, &clock).map_err(unread)?;
        let topics = Topics::open(&store, &clock, &queues).map_err(unread)?;
        let secrets = Secrets::open(&store, &clock).map_err(unread)?;
        let objects = Objects::open(&store).map_err(unread)?;
        let extensions: Vec<Arc<dyn Extension>> = vec![Arc::new(objects.clone())];
        let extensions = Arc::new(RwLock::new(extensions));
        let services = Services { tables, queues, topics, secrets, objects, extensions };
        let connector = Connector {
            services,
            clock,
            faults: Faults::default(),
            guard: Guard::default(),
            observers: Arc::new(RwLock::default()),
        };
        Ok(Self { connector, store, _lock: lock })
    }

    /// The HTTP client to give to every SDK client.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.connector.clone())
    }

    /// The cloud's clock.
    pub fn clock(&self) -> &VirtualClock {
        &self.connector.clock
    }

    /// The faults of calls within invocations.
    pub fn faults(&self) -> &Faults {
        &self.connector.faults
    }

    /// DynamoDB.
    pub fn tables(&self) -> &Tables {
        &self.connector.services.tables
    }

    /// SQS.
    pub fn queues(&self) -> &Queues {
        &self.connector.services.queues
    }

    /// SNS.
    pub fn topics(&self) -> &Topics {
        &self.connector.services.topics
    }

    /// Secrets Manager.
    pub fn secrets(&self) -> &Secrets {
        &self.connector.services.secrets
    }

    /// S3.
    pub fn objects(&self) -> &Objects {
        &self.connector.services.objects
    }

    /// Deletes expired items every minute of the cloud's clock, for as long as it is polled. For the
    /// boot to spawn; a test calls `tables().sweep_expired()` itself.
    pub async fn sweep_every_minute(&self) {
        loop {
            let minute = self.clock().now_ms().div_euclid(60_000);
            self.clock().sleep_until((minute + 1) * 60_000).await;
            // An engine that fails now (full disk) has told its callers; the next minute may do.
            let _ = self.tables().sweep_expired().await;
        }
    }

    /// Adds a service behind the same client; asked after the built-in ones, in order.
    pub fn extend(&self, extension: Arc<dyn Extension>) {
        let extensions = &self.connector.services.extensions;
        extensions.write().unwrap_or_else(PoisonError::into_inner).push(extension);
    }

    /// Shows every call of an invocation to `observer` as it ends (not calls still unanswered when
    /// the invocation is dropped; those are in its log). It must not block.
    pub fn observe(&self, observer: Observer) {
        self.connector.observers.write().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    /// Whether stray accesses are also refused (`AccessDeniedException`), as tests and the
    /// simulation want, or only recorded.
    pub fn refuse_strays(&self, refuse: bool) {
        self.connector.guard.set_strict(refuse);
    }

    /// Accesses beyond a tenant, and scans, so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.connector.guard.violations()
    }

    pub(crate) fn services(&self) -> &Services {
        &self.connector.services
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}

/// Makes the folder, locks it for this process and checks its layout.
fn claim(folder: &Path) -> Result<File, OpenError> {
    let unusable = |error: std::io::Error| OpenError::Unusable {
        folder: folder.to_owned(),
        message: error.to_string(),
    };
    std::fs::create_dir_all(folder).map_err(unusable)?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
        .map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { folder: folder.to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    let version = folder.join("VERSION");
    match std::fs::read_to_string(&version) {
        Ok(found) if found.trim() == LAYOUT => {}
        Ok(found) => {
            let found = found.trim().to_owned();
            return Err(OpenError::OtherLayout { folder: folder.to_owned(), found });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::write(&version, format!("{LAYOUT}\n")).map_err(unusable)?;
        }
        Err(error) => return Err(unusable(error)),
    }
    Ok(lock)
}
