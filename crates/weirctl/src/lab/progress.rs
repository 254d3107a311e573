//! Progress on standard error, while a person waits at a terminal.

use std::fs;
use std::fs::File;
use std::io;
use std::io::IsTerminal;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// Shorter work shows nothing: a bar that only flashes tells nobody anything.
const PATIENCE: Duration = Duration::from_millis(700);

/// A bar, or nothing if nobody watches.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// A bar for `total` units of `what`.
    pub(crate) fn new(what: &'static str, total: u64, wanted: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if wanted && io::stderr().is_terminal() {
            // The template is a constant; were it wrong, the default style would do.
            if let Ok(style) = ProgressStyle::with_template("{msg:>9} {wide_bar} {percent:>3} %  {eta} left")
            {
                bar.set_style(style);
            }
            bar.set_message(what);
        } else {
            bar.finish_and_clear();
        }
        Self { bar, started: Instant::now() }
    }

    /// Work has come this far.
    pub(crate) fn at(&self, position: u64) {
        if self.bar.is_finished() {
            return;
        }
        if self.bar.is_hidden() && self.started.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(position);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A small file through which a child process tells how far it is.
#[derive(Debug)]
pub(crate) struct Mailbox {
    path: PathBuf,
}

impl Mailbox {
    /// An empty mailbox; `None` if nobody would look, or there is no place for it.
    pub(crate) fn new(wanted: bool) -> Option<Self> {
        if !wanted || !io::stderr().is_terminal() {
            return None;
        }
        let path = std::env::temp_dir().join(format!("weirctl-{}.progress", std::process::id()));
        File::create_new(&path).ok()?;
        Some(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` and shows meanwhile what the child writes (see [`tell`]).
    pub(crate) fn watch<T>(&self, progress: &Progress, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if let Some(position) =
                        fs::read(&self.path).ok().and_then(|bytes| bytes.first_chunk().copied())
                    {
                        progress.at(u64::from_le_bytes(position));
                    }
                    thread::sleep(Duration::from_millis(100));
                }
            });
            let result = work();
            done.store(true, Ordering::Relaxed);
            result
        })
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // Left behind, it would be eight bytes in the directory for such things.
        let _ = fs::remove_file(&self.path);
    }
}

/// In the child: tells how far it is. That nobody hears is no reason to stop.
pub(crate) fn tell(mailbox: &File, position: u64) {
    let _ = mailbox.write_all_at(&position.to_le_bytes(), 0);
}
