//! The memory of a [`super::Table`]: places in lists, an index by flow, and a heap by deadline, all of them threaded
//! through the places themselves.

use core::marker::PhantomData;
use core::ops::DerefMut;

use super::Question;
use crate::Time;

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// What is in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    /// Taken, while its authorisation is being put off.
    Reserved,
    /// Open, and not shown to the agent yet.
    Untold,
    /// Open, and shown.
    Told,
    /// Over, with packets that wait for the authorisation to be repeated.
    Parked,
}

/// Room for one question.
#[derive(Debug)]
pub struct Place<T> {
    pub(super) state: State,
    pub(super) generation: u32,
    /// The table's epoch when it was reserved.
    pub(super) epoch: u32,
    pub(super) deadline: Time,
    pub(super) question: Option<Question>,
    pub(super) payload: Option<T>,
    /// Neighbours in the list of open questions; the next free place.
    next: u32,
    previous: u32,
    /// First of the places whose flow falls to this one's number, and the next of those that this one is among.
    bucket: u32,
    sibling: u32,
    /// What stands at this one's number in the heap, and where this one stands.
    heap: u32,
    heap_at: u32,
}

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self {
            state: State::Free,
            generation: 0,
            epoch: 0,
            deadline: Time(0),
            question: None,
            payload: None,
            next: NONE,
            previous: NONE,
            bucket: NONE,
            sibling: NONE,
            heap: NONE,
            heap_at: NONE,
        }
    }
}

#[derive(Debug)]
pub(super) struct Places<T, S> {
    places: S,
    free: u32,
    /// Open questions in the order in which they were asked.
    first: u32,
    last: u32,
    /// Entries of the heap.
    heap: u32,
    value: PhantomData<T>,
}

impl<T, S: DerefMut<Target = [Place<T>]>> Places<T, S> {
    /// All of them free; numbers above `u32::MAX - 1` are not used.
    pub(super) fn new(mut places: S) -> Self {
        for (next, place) in (1..=NONE).zip(places.iter_mut()) {
            *place = Place { next, ..Place::default() };
        }
        // The number behind the last place is no place, and so ends the list.
        Self { places, free: 0, first: NONE, last: NONE, heap: 0, value: PhantomData }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn get(&self, number: u32) -> Option<&Place<T>> {
        self.places.get(number as usize)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Place<T>> {
        self.places.get_mut(number as usize)
    }

    /// Takes a free place for a flow.
    pub(super) fn take(&mut self, question: Question) -> Option<u32> {
        let number = self.free;
        let bucket = self.bucket_of(question.flow)?;
        let sibling = self.get(bucket)?.bucket;
        let place = self.get_mut(number)?;
        let next = place.next;
        place.next = NONE;
        // Zero stays out: an id of 0 is nobody's.
        place.generation = place.generation.wrapping_add(1).max(1);
        place.question = Some(question);
        place.sibling = sibling;
        self.free = next;
        self.get_mut(bucket)?.bucket = number;
        Some(number)
    }

    /// Gives a place back that is in no list and not in the heap.
    pub(super) fn release(&mut self, number: u32) -> (Option<Question>, Option<T>) {
        let free = self.free;
        let Some(place) = self.get_mut(number) else { return (None, None) };
        let (question, payload) = (place.question.take(), place.payload.take());
        let sibling = place.sibling;
        place.state = State::Free;
        place.sibling = NONE;
        place.next = free;
        self.free = number;
        if let Some(question) = &question {
            self.leave_bucket(question.flow, number, sibling);
        }
        (question, payload)
    }

    /// The place of a flow that `wanted` accepts.
    pub(super) fn of_flow(&self, flow: u64, wanted: impl Fn(State) -> bool) -> Option<u32> {
        let mut number = self.get(self.bucket_of(flow)?)?.bucket;
        while let Some(place) = self.get(number) {
            let same = place.question.is_some_and(|question| question.flow == flow);
            if same && wanted(place.state) {
                return Some(number);
            }
            number = place.sibling;
        }
        None
    }

    fn bucket_of(&self, flow: u64) -> Option<u32> {
        // Ids of flows count up, so they spread by themselves.
        flow.checked_rem(self.places.len() as u64).map(|number| number as u32)
    }

    fn leave_bucket(&mut self, flow: u64, number: u32, sibling: u32) {
        let Some(bucket) = self.bucket_of(flow) else { return };
        let Some(head) = self.get_mut(bucket) else { return };
        if head.bucket == number {
            head.bucket = sibling;
            return;
        }
        let mut at = head.bucket;
        while let Some(place) = self.get_mut(at) {
            if place.sibling == number {
                place.sibling = sibling;
                return;
            }
            at = place.sibling;
        }
    }

    /// The question that was asked first.
    pub(super) fn first(&self) -> Option<u32> {
        self.get(self.first).map(|_| self.first)
    }

    /// The one after it.
    pub(super) fn after(&self, number: u32) -> u32 {
        self.get(number).map_or(NONE, |place| place.next)
    }

    /// Appends to the open questions.
    pub(super) fn append(&mut self, number: u32) {
        let last = self.last;
        if let Some(place) = self.get_mut(number) {
            (place.next, place.previous) = (NONE, last);
        }
        match self.get_mut(last) {
            Some(place) => place.next = number,
            None => self.first = number,
        }
        self.last = number;
    }

    /// Takes one out of the open questions.
    pub(super) fn unlink(&mut self, number: u32) {
        let Some(place) = self.get_mut(number) else { return };
        let (next, previous) = (place.next, place.previous);
        (place.next, place.previous) = (NONE, NONE);
        match self.get_mut(previous) {
            Some(place) => place.next = next,
            None => self.first = next,
        }
        match self.get_mut(next) {
            Some(place) => place.previous = previous,
            None => self.last = previous,
        }
    }

    /// The place with the earliest deadline.
    pub(super) fn earliest(&self) -> Option<u32> {
        (self.heap != 0).then(|| self.heap(0))
    }

    /// Enters the heap with its deadline.
    pub(super) fn schedule(&mut self, number: u32) {
        let end = self.heap;
        self.heap = end.saturating_add(1);
        self.put(end, number);
        self.rise(end);
    }

    /// Leaves the heap.
    pub(super) fn unschedule(&mut self, number: u32) {
        let Some(at) = self.get(number).map(|place| place.heap_at).filter(|at| *at < self.heap) else {
            return;
        };
        self.heap = self.heap.saturating_sub(1);
        let moved = self.heap(self.heap);
        if let Some(place) = self.get_mut(number) {
            place.heap_at = NONE;
        }
        if at < self.heap {
            self.put(at, moved);
            self.rise(at);
            self.sink(at);
        }
    }

    fn heap(&self, at: u32) -> u32 {
        self.get(at).map_or(NONE, |place| place.heap)
    }

    fn put(&mut self, at: u32, number: u32) {
        if let Some(place) = self.get_mut(at) {
            place.heap = number;
        }
        if let Some(place) = self.get_mut(number) {
            place.heap_at = at;
        }
    }

    fn is_before(&self, one: u32, other: u32) -> bool {
        let deadline = |at| self.get(self.heap(at)).map(|place| place.deadline);
        deadline(one) < deadline(other)
    }

    fn swap(&mut self, one: u32, other: u32) {
        let (first, second) = (self.heap(one), self.heap(other));
        self.put(one, second);
        self.put(other, first);
    }

    fn rise(&mut self, mut at: u32) {
        while at != 0 {
            let parent = at.wrapping_sub(1) >> 1;
            if !self.is_before(at, parent) {
                return;
            }
            self.swap(at, parent);
            at = parent;
        }
    }

    fn sink(&mut self, mut at: u32) {
        loop {
            let left = at.saturating_mul(2).saturating_add(1);
            let mut least = at;
            for child in [left, left.saturating_add(1)] {
                if child < self.heap && self.is_before(child, least) {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }
}
