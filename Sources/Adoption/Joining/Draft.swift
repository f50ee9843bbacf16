/// What adoption makes of a repository, before it is written: services with the evidence for everything said of them,
/// and what only a person can say.
package struct Draft: Sendable, Hashable {
  package var environment: String
  package var app: String
  package var hasRemote: Bool
  package var services: [DraftService] = []
  package var stores: [DraftStore] = []
  package var schemas: [DraftSchema] = []
  package var workflows: [DraftWorkflow] = []
  package var questions: [Question] = []
  package var dangers: [Danger] = []
  /// Facts for a person, with their place.
  package var remarks: [Sourced<String>] = []
  /// Names of the examples that no service is given, with the reason.
  package var leftOut: [Sourced<String>] = []
  /// Every name of every example, by file.
  package var examples: [String: [String]] = [:]
  /// Further environments that the files speak of.
  package var others: [String: Evidence] = [:]
  /// Every folder there is, to see which patterns match nothing.
  package var folders: Set<String> = []
  /// Values for the platforms themselves.
  package var targets: [Host: DraftTarget] = [:]

  /// Whether files that Railway reads until 2026-12-01 are among what was read.
  package var hasRailwayFiles = false

  /// Services that go into the file.
  package var written: [DraftService] { services.filter { $0.standing == .written } }
  /// Services of which a person has to say something first: they stand in the file behind `#`.
  package var open: [DraftService] {
    services.filter { if case .asked = $0.standing { true } else { false } }
  }

  /// What the platforms usually call the environment of this name.
  package static func platformEnvironment(_ name: String) -> String { Joiner.platformEnvironment(name) }

  /// Whether platforms were asked what is there, and what they said first.
  package var isLive = false
  package var livePlaces: String?
}

/// What a platform has to be told beside its services.
package struct DraftTarget: Sendable, Hashable {
  /// Railway's project, Encore's application.
  package var project: Sourced<String>?
  package var environment: Sourced<String>?
  package var token: String
  /// Railway's workspace, where a token sees several.
  package var workspace: Sourced<String>?
  /// On Vercel: it is the account itself that owns the projects, not a team.
  package var isOwn = false
}

package struct DraftService: Sendable, Hashable {
  package enum Standing: Sendable, Hashable {
    case written
    /// A person has to say first; why.
    case asked(String)
    /// It runs where shipit does not deploy.
    case foreign
    /// Switched off, or a thing of the past; why.
    case off(String)
  }

  /// Its key in the file.
  package var key: String
  /// Its name on the platform, as far as files tell.
  package var name: Sourced<String>
  package var host: Host
  package var standing: Standing
  package var certainty: Certainty
  /// The file that declares it, and others that say the same.
  package var configs: [String]
  /// The folder of its own code.
  package var home: String
  /// What is packed and built.
  package var context: String
  package var settings: Settings = [:]
  /// Settings that are known and not written: the platform finds them by itself.
  package var silent: Set<SettingKey> = []
  package var variables: [DraftVariable] = []
  /// Services it calls.
  package var needs: [Sourced<String>] = []
  /// What shipit does not carry.
  package var leftovers: [Sourced<String>] = []
  /// What stands on the platform; nil where it was not asked, or has none.
  package var live: LiveService?
  /// A container image that it is made from, instead of a folder.
  package var image: String?
  /// It serves pages to browsers.
  package var isFrontend = false
  package var isWorker = false

  package var evidence: Evidence { Evidence(configs.first ?? "") }
}

package struct DraftVariable: Sendable, Hashable {
  package var name: String
  package var value: Variable.Value
  package var evidence: Evidence
  /// Baked into a build.
  package var isBuildTime: Bool { VariableName.isPublic(name) }
  /// Whether it becomes a line, or a comment for a person.
  package var isWritten: Bool { value != .unknown }
  /// Why a person has to look.
  package var note: String?
}

/// A database, cache or queue that services use.
package struct DraftStore: Sendable, Hashable {
  package var kind: String
  package var users: Set<String>
  package var evidence: [Evidence]
  package var certainty: Certainty
  /// Its name on the platform that runs it.
  package var name: String?
}

package struct DraftSchema: Sendable, Hashable {
  package enum Place: String, Sendable, Hashable {
    case preDeploy = "pre-deploy"
    case start, build, workflow
  }

  package var tool: String
  package var config: String
  package var folder: String
  package var engine: String?
  /// The secret with the address.
  package var address: Sourced<String>?
  package var places: [Occurrence] = []
  package var certainty: Certainty
  /// The service whose deploy runs it.
  package var service: String?
  /// What `where` says; nil when nobody knows, and nothing is written.
  package var position: String?

  package struct Occurrence: Sendable, Hashable {
    package var place: Place
    package var command: String
    package var evidence: Evidence
    package var service: String?
  }
}

package struct DraftWorkflow: Sendable, Hashable {
  package var file: String
  package var hosts: [Host]
  /// Whether shipit does what it does.
  package var isReplaceable: Bool
  package var secrets: [String]
}

/// Something that files do not decide.
package struct Question: Sendable, Hashable {
  package enum Answer: Sendable, Hashable {
    /// The first is taken when nobody answers.
    case choice([Choice])
    case text(standard: String)
    /// Nothing that shipit could act on: a person has to look.
    case none
  }

  package struct Choice: Sendable, Hashable {
    package var word: String
    package var meaning: String

    package init(_ word: String, _ meaning: String) {
      self.word = word
      self.meaning = meaning
    }
  }

  /// What an answer is filed under.
  package var id: String
  package var text: String
  package var answer: Answer
  package var evidence: [Evidence]
  /// Services, files and names it is about.
  package var subjects: Set<String>

  package init(
    _ id: String, _ text: String, _ answer: Answer = .none, evidence: [Evidence] = [],
    subjects: Set<String> = []
  ) {
    self.id = id
    self.text = text
    self.answer = answer
    self.evidence = evidence
    self.subjects = subjects
  }

  /// What is taken when nobody answers.
  package var standard: String? {
    switch answer {
    case .choice(let choices): choices.first?.word
    case .text(let standard): standard
    case .none: nil
    }
  }
}

/// What people have said, by the question's id.
package typealias Answers = [String: String]
