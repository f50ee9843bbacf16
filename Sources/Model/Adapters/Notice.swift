package import Concurrency

/// What people are told about an environment, as data: the same for a chat, a mail and another program.
///
/// Whoever has something to tell makes one; `Notifications` brings it to the receivers that the environment
/// declares. It holds no secret: what becomes of its texts goes through the redactor first.
package struct Notice: Sendable, Hashable, Codable {
  /// The words of `notify: [{on: …}]`.
  package enum Event: String, Sendable, Hashable, Codable, CaseIterable {
    case started, released
    /// A run undid itself, or somebody rolled back.
    case rolledBack = "rolled-back"
    case failed
    /// A rollout waits.
    case paused
    /// Somebody is asked to approve.
    case approval
    /// Deploys are blocked until somebody lifts the hold.
    case held
  }

  /// What became of one service.
  package struct Service: Sendable, Hashable, Codable {
    package var name: String
    /// The commit that ran before; nil: nothing did.
    package var from: String?
    /// The commit that runs now, or shall; nil: it is not known.
    package var to: String?
    /// Such as `put back`.
    package var note: String?

    package init(name: String, from: String?, to: String?, note: String? = nil) {
      self.name = name
      self.from = from
      self.to = to
      self.note = note
    }
  }

  package var event: Event
  package var app: String
  package var environment: String
  /// Notices of one run become one message where the service allows it; nil: a message of its own.
  package var run: RunID?
  package var release: Int?
  /// Without application and environment: `release 12 is live`.
  package var headline: String
  package var commit: String?
  package var subject: String?
  /// `ann@laptop`.
  package var by: String
  package var services: [Service]
  /// What failed and why, in one line.
  package var problem: String?
  /// Why somebody did it, in their words.
  package var reason: String?
  /// The next command to type.
  package var next: String?
  /// Where the job that ran it can be read, behind a login.
  package var link: String?
  package var at: Timestamp
  /// Nothing more comes about this run. One that was interrupted is told of again once it is settled.
  package var isLast: Bool

  package init(
    _ event: Event, app: String, environment: String, run: RunID? = nil, release: Int? = nil,
    headline: String, commit: String? = nil, subject: String? = nil, by: String, services: [Service] = [],
    problem: String? = nil, reason: String? = nil, next: String? = nil, link: String? = nil, at: Timestamp,
    isLast: Bool = true
  ) {
    self.event = event
    self.app = app
    self.environment = environment
    self.run = run
    self.release = release
    self.headline = headline
    self.commit = commit
    self.subject = subject
    self.by = by
    self.services = services
    self.problem = problem
    self.reason = reason
    self.next = next
    self.link = link
    self.at = at
    self.isLast = isLast
  }

  /// With every text given through `change`.
  package func mapped(_ change: (String) -> String) -> Notice {
    var notice = self
    notice.app = change(app)
    notice.environment = change(environment)
    notice.headline = change(headline)
    notice.commit = commit.map(change)
    notice.subject = subject.map(change)
    notice.by = change(by)
    notice.services = services.map { service in
      Service(
        name: change(service.name), from: service.from.map(change), to: service.to.map(change),
        note: service.note.map(change))
    }
    notice.problem = problem.map(change)
    notice.reason = reason.map(change)
    notice.next = next.map(change)
    notice.link = link.map(change)
    return notice
  }
}

/// Somewhere notices go.
package protocol NoticeReceiver: Sendable {
  /// For people, and to know it again: its kind and the name of its secret, such as `slack (SLACK_WEBHOOK)`.
  var name: String { get }
  /// A message that was sent can be replaced.
  var canEdit: Bool { get }
  /// The same notice sent twice is shown once.
  var isIdempotent: Bool { get }

  /// Sends a notice, or replaces the message that an earlier one of the run became.
  /// - Parameters:
  ///   - reference: what an earlier call returned; nil: a new message.
  ///   - limit: how long it may take.
  /// - Returns: what is needed to replace it; nil where that cannot be done.
  func send(
    _ notice: Notice, replacing reference: String?, limit: Duration
  ) async throws(NoticeFailure) -> String?

  /// Looks at its configuration. Sends nothing.
  func examine() async -> Examination
}

/// Why a notice did not get through.
package struct NoticeFailure: Error, Sendable, Hashable {
  /// What trying again would do.
  package enum Again: Sendable, Hashable {
    /// The same thing: it is dead, or misconfigured.
    case useless
    /// Perhaps help: nothing was taken.
    case harmless(after: Duration?)
    /// Perhaps help; it has hardly been taken. Once is enough.
    case once
    /// Perhaps help, and perhaps double what was taken.
    case doubling
  }

  package var again: Again
  /// A few words, without address, token or body.
  package var message: String

  package init(_ again: Again, _ message: String) {
    self.again = again
    self.message = message
  }
}
