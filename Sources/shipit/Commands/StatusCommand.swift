import Concurrency
import Interface
import Language
import Model
import Runner

enum StatusCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    do {
      let project = try Project(invocation)
      let names = invocation.positional(0).map { [$0] } ?? EnvironmentReader(root: project.root).list()
      var exit = ExitCode.done
      for name in names {
        let environment = try project.environment(name, console)
        exit = try await show(project, environment, console, isOffline: invocation.has("offline"))
      }
      return console.ended(exit)
    } catch let failure as Failure {
      console.failure(failure)
      return console.ended(failure.exitCode)
    } catch is Refused {
      return console.ended(.usage)
    } catch {
      console.failure(Failure(.internalError, "\(error)"))
      return console.ended(.internalError)
    }
  }

  private static func show(
    _ project: Project, _ environment: Model.Environment, _ console: Console, isOffline: Bool
  ) async throws(Failure) -> ExitCode {
    let clock = Session.clock
    let ledger = try await Session.ledger(project, environment.name, clock)
    let runs = try await ledger.runs(limit: 20)
    let open = runs.first { $0.result == nil }
    var journal: [JournalEntry] = []
    if let open { journal = try await ledger.journal(of: open.id) }
    var report = StatusReport(
      app: environment.app, environment: environment.name, now: clock.now,
      releases: try await ledger.releases(limit: 50), runs: runs, journal: journal,
      lease: try await ledger.holder(), hold: try await ledger.hold(), bad: try await ledger.badCommits(),
      overrides: try Endpoints(processEnvironment()).overrides)
    report.isOffline = isOffline
    if !isOffline {
      // The ledger's answer stands even when no token is at hand or a platform is silent.
      do throws(Failure) {
        let session = try await Session(project, environment, console, needsVariables: false)
        for (name, platform) in session.platforms {
          do throws(Failure) { report.fill(try await platform.live(environment)) } catch {
            report.fail(name, error)
          }
        }
      } catch {
        for name in Set(environment.services.map(\.platform)) { report.fail(name, error) }
      }
    }
    console.result(report)
    return .done
  }
}
