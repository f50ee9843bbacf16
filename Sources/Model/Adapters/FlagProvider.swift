/// One flag of a rollout, in one environment, wherever it is kept.
///
/// Every write ends in one of two ways: it returns the state *as read back* after it, or it throws a `FlagRefusal`
/// that says whether anything can have changed. No call repeats a write whose outcome is unknown.
package protocol FlagProvider: Sendable {
  /// Who keeps it and where, for people: `LaunchDarkly flag new-checkout in shop/production`.
  var name: String { get }

  /// Whether it can serve a share of the contexts, or only all or nobody.
  var servesShares: Bool { get }

  /// The present state, asked anew.
  ///
  /// What makes a rollout impossible is a `Failure` of kind `.configuration`: no such flag or variation, off serves
  /// the wanted variation, three weighted variations, an experiment or the store's own rollout holds the rule.
  func read() async throws(Failure) -> FlagState

  /// Turns the flag on and gives the wanted variation to `share`, in one write.
  ///
  /// Repeating it when the state is already so changes nothing and succeeds.
  /// - Parameter expected: what `read` or the write before said. When version or draw are others by now, nothing is
  ///   written: `changedByOther`.
  func set(_ share: FlagShare, expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState

  /// The last bake is over: the wanted variation becomes what everybody gets, without a rule that draws.
  func complete(expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState

  /// Turns the flag off and resets its rule to the old variation, in one write, whatever its state.
  /// - Parameter known: what `read` said some time in this rollout; with it a store that wants the ids of variations
  ///   is asked once only.
  func off(known: FlagState?, note: FlagNote) async throws(FlagRefusal) -> FlagState
}

/// What a write leaves with the store, so that people there see who acted and why.
package struct FlagNote: Sendable, Hashable {
  /// Names the step of the rollout among all: `shipit/APP/ENV/rollout/KEY/STEP`. An approval request is found again
  /// by it, so it must be the same when a step is tried again.
  package var marker: String
  /// One line, such as `10 % (release 42)`.
  package var text: String

  package init(marker: String, text: String) {
    self.marker = marker
    self.text = text
  }
}

/// Why a write did not end with the wanted state read back.
package struct FlagRefusal: Error, Sendable, Hashable {
  package enum Code: Sendable, Hashable {
    /// Somebody else wrote since `expected`; `found` says what it is now. Nothing of ours is in place.
    case changedByOther
    /// The store wants a person's approval. A request stands there under the note's marker, and the same `set` later
    /// applies it once it is approved. Nothing has changed.
    case approvalRequired
    /// A person declined that request. Nothing has changed.
    case approvalDeclined
    /// The credentials do not allow it. Nothing has changed.
    case notPermitted
    /// Not known whether it took effect: read before anything else is done.
    case ambiguous
    /// The store asks to wait, at least `retryAfter`. Nothing has changed.
    case rateLimited
    /// The store cannot be reached and nothing was sent. Nothing has changed.
    case unreachable
    /// The flag, or what was asked of it, is wrong. Nothing has changed.
    case invalid
  }

  package var code: Code
  /// What to tell people.
  package var failure: Failure
  /// With `changedByOther`.
  package var found: FlagState?
  /// With `rateLimited`.
  package var retryAfter: Duration?
  /// Where a person approves, with `approvalRequired`.
  package var link: String?

  package init(
    _ code: Code, _ failure: Failure, found: FlagState? = nil, retryAfter: Duration? = nil,
    link: String? = nil
  ) {
    self.code = code
    self.failure = failure
    self.found = found
    self.retryAfter = retryAfter
    self.link = link
  }

  /// Whether the same call may simply be made again later.
  package var isTransient: Bool {
    switch code {
    case .rateLimited, .unreachable: true
    default: false
    }
  }
}
