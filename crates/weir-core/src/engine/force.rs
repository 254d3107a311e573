//! The policy in force: one image that packet paths read while it may be exchanged.
// UNSAFETY: keeps the image as a raw pointer, because it is freed after every reader has left it.
#![expect(unsafe_code, reason = "a pointer whose life is bounded by epochs, not by a borrow")]

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::{Exchanged, RuleHits};
use crate::epoch::{Domain, Guard};
use crate::limit::Bucket;
use crate::memory::Carver;
use crate::policy::{Image, PolicyError};

/// Two places take turns, so that readers of the old policy are undisturbed while the new one is filled in.
#[derive(Debug)]
pub(super) struct Force {
    places: [Place; 2],
    /// 0 = no policy, else the number of the place plus one.
    active: AtomicU32,
    next_generation: AtomicU32,
    changing: AtomicBool,
    processors: u32,
    rules: u32,
}

/// # Invariants
/// `image` and `length` describe a verified image that lives at least until a grace period after the place
/// became inactive; they change only while the place is inactive and has no readers.
#[derive(Debug)]
struct Place {
    image: AtomicPtr<u8>,
    length: AtomicUsize,
    generation: AtomicU32,
    /// Per processor and rule: frames, flows.
    hits: &'static [[AtomicU64; 2]],
    /// Per rule: what its limit let pass, sent and received.
    buckets: &'static [[Bucket; 2]],
}

/// The policy that a reader sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct InForce<'g> {
    pub(super) image: Image<'g>,
    pub(super) generation: u32,
    /// Number of the place, for [`Force::buckets`].
    pub(super) place: u32,
    hits: &'g [[AtomicU64; 2]],
    rules: u32,
}

impl Force {
    pub(super) fn carve(carver: &mut Carver, processors: u32, rules: u32) -> Option<Self> {
        let processors = processors.max(1);
        let cells = usize::try_from(processors.checked_mul(rules)?).ok()?;
        let mut place = || {
            Some(Place {
                image: AtomicPtr::new(core::ptr::null_mut()),
                length: AtomicUsize::new(0),
                generation: AtomicU32::new(0),
                hits: carver.slice(cells)?,
                buckets: carver.slice(rules as usize)?,
            })
        };
        Some(Self {
            places: [place()?, place()?],
            active: AtomicU32::new(0),
            next_generation: AtomicU32::new(1),
            changing: AtomicBool::new(false),
            processors,
            rules,
        })
    }

    /// The policy in force.
    pub(super) fn get<'g>(&'g self, guard: &'g Guard<'_>) -> Option<InForce<'g>> {
        self.at(guard, self.number(guard))
    }

    /// Number of the policy in force for [`Force::at`], as long as the guard lives; 0 when there is none.
    pub(super) fn number(&self, _guard: &Guard<'_>) -> u32 {
        self.active.load(Ordering::Acquire)
    }

    /// The policy that was in force when [`Force::number`] gave its number under the same guard.
    pub(super) fn at<'g>(&'g self, _guard: &'g Guard<'_>, number: u32) -> Option<InForce<'g>> {
        let place = self.place(number)?;
        let image = place.slice()?;
        // SAFETY: the place was active after the guard's section began, so its image stays as `set` got it
        // until that section ends: `set` and `clear` give it back only after a grace period.
        let bytes = unsafe { image.as_ref() };
        Some(InForce {
            image: Image::verified_before(bytes),
            generation: place.generation.load(Ordering::Relaxed),
            place: number,
            hits: place.hits,
            rules: self.rules,
        })
    }

    /// # Safety
    /// `image` must stay valid and unchanged until it is given back or `self` is no longer used.
    pub(super) unsafe fn set(
        &self,
        domain: &Domain,
        image: NonNull<[u8]>,
        prepare: impl FnOnce(u32),
        pause: impl FnMut(),
    ) -> Result<Exchanged, PolicyError> {
        // SAFETY: the caller promises a valid image.
        let verified = Image::verify(unsafe { image.as_ref() })?;
        if verified.rule_count() > self.rules {
            return Err(PolicyError::TooManyRules);
        }
        self.exclusively(|| {
            let active = self.active.load(Ordering::Relaxed);
            let (number, place) = match (active, &self.places) {
                (1, [_, second]) => (2, second),
                (_, [first, _]) => (1, first),
            };
            for cell in place.hits.iter().flatten() {
                cell.store(0, Ordering::Relaxed);
            }
            place.buckets.iter().flatten().for_each(Bucket::reset);
            let mut generation = self.next_generation.fetch_add(1, Ordering::Relaxed);
            if generation == 0 {
                generation = self.next_generation.fetch_add(1, Ordering::Relaxed);
            }
            place.image.store(image.cast().as_ptr(), Ordering::Relaxed);
            place.length.store(image.len(), Ordering::Relaxed);
            place.generation.store(generation, Ordering::Relaxed);
            prepare(generation);
            self.active.store(number, Ordering::SeqCst);
            domain.synchronize(pause);
            (generation, self.place(active).and_then(Place::slice))
        })
    }

    pub(super) fn clear(
        &self,
        domain: &Domain,
        prepare: impl FnOnce(),
        pause: impl FnMut(),
    ) -> Result<Option<NonNull<[u8]>>, PolicyError> {
        self.exclusively(|| {
            prepare();
            let active = self.active.swap(0, Ordering::SeqCst);
            domain.synchronize(pause);
            self.place(active).and_then(Place::slice)
        })
    }

    pub(super) fn hits(&self, rule: u32) -> RuleHits {
        let mut sum = RuleHits::default();
        let Some(place) = self.place(self.active.load(Ordering::Acquire)) else { return sum };
        if rule >= self.rules {
            return sum;
        }
        for processor in 0..self.processors {
            if let Some([frames, flows]) = place.hits.get(cell(self.rules, processor, rule)) {
                sum.frames = sum.frames.wrapping_add(frames.load(Ordering::Relaxed));
                sum.flows = sum.flows.wrapping_add(flows.load(Ordering::Relaxed));
            }
        }
        sum
    }

    /// The buckets of a rule, sent and received.
    pub(super) fn buckets(&self, place: u32, rule: u32) -> Option<&[Bucket; 2]> {
        self.place(place)?.buckets.get(rule as usize)
    }

    fn exclusively<R>(&self, change: impl FnOnce() -> R) -> Result<R, PolicyError> {
        if self.changing.swap(true, Ordering::Acquire) {
            return Err(PolicyError::Busy);
        }
        let result = change();
        self.changing.store(false, Ordering::Release);
        Ok(result)
    }

    fn place(&self, number: u32) -> Option<&Place> {
        self.places.get((number as usize).checked_sub(1)?)
    }
}

impl Place {
    fn slice(&self) -> Option<NonNull<[u8]>> {
        let start = NonNull::new(self.image.load(Ordering::Relaxed))?;
        Some(NonNull::slice_from_raw_parts(start, self.length.load(Ordering::Relaxed)))
    }
}

impl InForce<'_> {
    /// True when a rule does no more than permit or block.
    pub(super) fn is_plain(&self, rule: u32) -> bool {
        !self.image.uses_treatment() || self.image.treatment(rule).is_plain()
    }

    pub(super) fn count_frame(&self, processor: u32, rule: u32) {
        if let Some([frames, _]) = self.hit(processor, rule) {
            frames.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_flow(&self, processor: u32, rule: u32) {
        if let Some([_, flows]) = self.hit(processor, rule) {
            flows.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn hit(&self, processor: u32, rule: u32) -> Option<&[AtomicU64; 2]> {
        if rule >= self.rules {
            return None;
        }
        self.hits.get(cell(self.rules, processor, rule)).or_else(|| self.hits.get(rule as usize))
    }
}

fn cell(rules: u32, processor: u32, rule: u32) -> usize {
    (processor as usize).saturating_mul(rules as usize).saturating_add(rule as usize)
}
