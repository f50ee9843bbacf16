import Concurrency
import Engine
import FoundationEssentials
import Interface
import Language
import Model
import Runner
import YAML

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// `drift`: shows what somebody changed by hand, and writes it into the file when told to.
enum DriftCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      let session = try await Session(
        project, environment, console, needsVariables: false, takesVariables: true)
      console.reads(environment, on: session.touched)
      let findings = try await session.planning.drift()
      func report(_ services: [ServiceDrift], _ adoptions: [DriftReport.Adoption] = []) -> DriftReport {
        DriftReport(
          app: environment.app, environment: environment.name, release: findings.release,
          now: session.clock.now, services: services, pending: findings.pending,
          unreleased: findings.unreleased, notes: findings.notes, overrides: session.overrides,
          adoptions: adoptions)
      }
      if invocation.has("issue") {
        let report = report(findings.services)
        console.result(report)
        try await DriftIssue.keep(report, session, console)
        return .done
      }
      guard invocation.has("adopt"), !findings.isEmpty else {
        let report = report(findings.services)
        console.result(report)
        console.actions?.append(
          summary: ActionsReport.markdown(
            plan: report.text(console.noteCanvas), environment: environment.name, redact: console.redactor))
        return report.hasDrift ? .changesFound : .done
      }
      let adoption = try Adopting(project, environment, findings)
      guard adoption.hasChanges else {
        console.result(report(findings.services, adoption.items))
        return .changesFound
      }
      if !invocation.has("yes") {
        guard console.canAsk else {
          console.result(report(findings.services))
          throw Failure(
            .configuration,
            "drift \(environment.name) --adopt wants to be agreed to, and nobody is here to ask",
            hint: "read the list; then the same command with --yes")
        }
        console.note(report(findings.services).text(console.noteCanvas) + [""] + adoption.preview)
        guard await console.ask("Write this into \(adoption.file)?") else { return .interrupted }
      }
      try adoption.write(below: project.root)
      let after = report(adoption.left, adoption.items)
      console.result(after)
      return after.hasDrift ? .changesFound : .done
    }
  }
}

/// What was changed by hand, on its way into the environment file.
private struct Adopting {
  /// Relative to the project's root.
  let file: String
  let items: [DriftReport.Adoption]
  /// What is drift still once the file is written.
  let left: [ServiceDrift]
  private let text: String

  /// - Throws: `Failure` when the file with the changes would say anything else too.
  init(
    _ project: Project, _ environment: Model.Environment, _ findings: DriftFindings
  ) throws(Failure) {
    let name = environment.name
    let names = ["environments/\(name).yaml", "environments/\(name).yml"]
    file = names.first { access("\(project.root)/\($0)", R_OK) == 0 } ?? names[0]
    guard let bytes = try? Disk().read("\(project.root)/\(file)") else {
      throw Failure(.configuration, "\(file) cannot be read", place: file)
    }
    var writer = DriftWriter(String(decoding: bytes, as: UTF8.self), environment)
    var items: [DriftReport.Adoption] = []
    for drift in findings.services {
      guard let service = environment.service(drift.service),
        let observed = findings.input.observed[drift.service]
      else { continue }
      for change in drift.changes {
        do throws(EditTrouble) {
          let wrote = try writer.write(change, of: service, observed)
          items.append(.init(service: drift.service, name: change.name, wrote: wrote))
        } catch {
          items.append(.init(service: drift.service, name: change.name, refused: error.reason))
        }
      }
    }
    self.items = items
    text = writer.text
    let read = EnvironmentReader(
      root: project.root, files: Overlay(path: "\(project.root)/\(file)", bytes: Array(text.utf8))
    ).read(name: name)
    var input = findings.input
    guard let changed = read.environment else {
      let problem = read.diagnostics.first { $0.severity == .error }
      throw Failure(
        .configuration, "what was changed by hand does not go into \(file)", place: file,
        cause: problem?.message, hint: "write it by hand; nothing was changed")
    }
    input.environment = changed
    left = DriftFinder(input).services()
    // Only what was to be written may be different.
    let difference = ConfigurationDifference(from: environment, to: changed)
    let count = difference.services.reduce(0) { $0 + $1.settings.count + $1.variables.count }
    let written = items.filter { $0.wrote != nil }
    let settled =
      findings.services.reduce(0) { $0 + $1.changes.count } - left.reduce(0) { $0 + $1.changes.count }
    guard count <= written.count, settled == written.count, difference.onlyInFirst.isEmpty,
      difference.onlyInSecond.isEmpty, difference.protect.isEmpty
    else {
      throw Failure(
        .configuration, "what was changed by hand cannot be written into \(file) alone", place: file,
        cause: "the file would say other things too, or not all of it",
        hint: "write it by hand; nothing was changed")
    }
  }

  var hasChanges: Bool { items.contains { $0.wrote != nil } }

  /// What is asked about.
  var preview: [String] { items.compactMap { item in item.wrote.map { "  \(item.service)  \($0)" } } }

  func write(below root: String) throws(Failure) {
    do { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(file)"), options: .atomic) } catch {
      throw Failure(
        .configuration, "\(file) cannot be written", place: file, cause: String(cString: strerror(errno)),
        hint: "see to the rights of the file, then the same command again")
    }
  }
}

/// The file system with one file as it is to become.
private struct Overlay: FileSource {
  let path: String
  let bytes: [UInt8]
  private let disk = Disk()

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  func read(_ path: String) throws -> [UInt8] { path == self.path ? bytes : try disk.read(path) }
  func names(in directory: String) throws -> [String] { try disk.names(in: directory) }
}
