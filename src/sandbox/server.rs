//! The HTTP server: loopback only, as many connections as come, and the two places where the sandbox meets the clock.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::refusal::ServiceError;
use super::scenario::Scenario;
use super::service::{Answer, Reply, Service};
use super::starting::starting_world;
use super::state::{StateError, StateFile};
use super::wire::{self, Received, ReplyBody};
use super::world::Millis;

/// The longest request; a key policy is at most 131,072 characters
const LONGEST_REQUEST: usize = 1 << 20;

/// A sandbox that listens; dropping it stops it
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    service: Service,
    state: Option<StateFile>,
}

/// Why a sandbox does not start
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its state cannot be had
    #[error(transparent)]
    State(#[from] StateError),
    /// Its port cannot be had
    #[error("listen on port {0} of 127.0.0.1")]
    Port(u16, #[source] io::Error),
}

impl StartError {
    /// What would help
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::State(error) => error.hint(),
            Self::Port(_, error) => match error.kind() {
                io::ErrorKind::AddrInUse => Some("name another --port, or none: then a free one is taken"),
                io::ErrorKind::PermissionDenied => Some("name a --port above 1023: the others are for root"),
                _ => None,
            },
        }
    }
}

/// Starts a sandbox at `port` (0: any free one): with the world kept at `state`, or the built-in one
///
/// # Errors
/// The state or the port cannot be had.
pub async fn start(state: Option<&Path>, scenario: Scenario, port: u16) -> Result<Running, StartError> {
    let (state, world) = match state {
        Some(path) => StateFile::open(path, starting_world).map(|(state, world)| (Some(state), world))?,
        None => (None, starting_world()),
    };
    serve(Service::new(world, scenario), state, port).await.map_err(|e| StartError::Port(port, e))
}

/// Serves `service` on 127.0.0.1 at `port` (0: any free one); what changes is kept in `state`, if there is one
///
/// # Errors
/// The port cannot be had.
pub async fn serve(service: Service, state: Option<StateFile>, port: u16) -> io::Result<Running> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let shared = Arc::new(Mutex::new(Shared { service, state }));
    let accepting = tokio::spawn(accept(listener, shared.clone()));
    Ok(Running { address, shared, accepting })
}

impl Running {
    /// `http://127.0.0.1:<port>`, for `AWS_ENDPOINT_URL`
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at the service, or changes it behind everybody's back
    pub fn with<T>(&self, look: impl FnOnce(&mut Service) -> T) -> T {
        look(&mut lock(&self.shared).service)
    }

    /// Stops listening, drops what is under way, and writes the state
    ///
    /// # Errors
    /// The state cannot be written.
    pub async fn shutdown(mut self) -> io::Result<()> {
        self.accepting.abort();
        // ends with the abort, which is no failure here
        let _ = (&mut self.accepting).await;
        let mut shared = lock(&self.shared);
        let Shared { service, state } = &mut *shared;
        state.take().map_or(Ok(()), |state| state.close(service.world()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn answer(&mut self, at: Millis, received: &Received) -> Answer {
        let (before, request) = (self.service.world().revision(), received.request());
        let mut answer = self.service.answer_to(at, &request, &received.agent);
        if self.service.world().revision() == before {
            return answer;
        }
        let kept = self.state.as_mut().map(|state| state.record(self.service.world(), before, at, &request));
        if let Some(Err(why)) = kept {
            let message = format!("the sandbox could not keep its state: {why}");
            answer.reply = Reply::Whole(Err(ServiceError::fault("KMSInternalException", message)));
        }
        answer
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Mutex<Shared>>) {
    // dropped with this task, and every connection with it
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // the client went away, or there are too many: let the others get on
            tokio::task::yield_now().await;
            continue;
        };
        connections.spawn(attend(stream, shared.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn attend(stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    // small messages, each waited for
    let _ = stream.set_nodelay(true);
    let answering = service_fn(move |request| respond(shared.clone(), request));
    // a connection that fails is the client's to notice; some fail on purpose
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answering).await;
}

/// # Errors
/// The connection is to be closed without a response.
async fn respond(
    shared: Arc<Mutex<Shared>>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, LONGEST_REQUEST).collect().await?.to_bytes();
    let received = wire::receive(&parts.method, &parts.headers, &body);
    let (protocol, operation, answer) = match received {
        Ok(received) => {
            let answer = lock(&shared).answer(now(), &received);
            (received.protocol, received.operation, answer)
        }
        Err((protocol, error)) => (protocol, String::new(), refuse(error)),
    };
    wait(answer.delay).await;
    if answer.reply == Reply::Silence {
        std::future::pending::<()>().await;
    }
    let response = wire::respond(protocol, &operation, &answer.reply, &answer.request_id);
    Ok(response.ok_or("closed on purpose")?)
}

/// The answer to what was not even a request of the service
fn refuse(error: ServiceError) -> Answer {
    let request_id = "00000000-0000-4000-8000-000000000000".to_owned();
    Answer { request_id, delay: Duration::ZERO, reply: Reply::Whole(Err(error)) }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server's clock is the clock; the state machine takes it as an argument"
)]
fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the latency that a scenario asks for; nothing waits for a condition here"
)]
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}
