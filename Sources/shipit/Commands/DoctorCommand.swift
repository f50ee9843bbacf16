import Interface
import Model

enum DoctorCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      var examinations: [Examination] = []
      do throws(Failure) {
        let ledger = try await Session.ledger(project, environment.name, Session.clock)
        _ = try await ledger.releases(limit: 1)
        examinations.append(
          Examination("ledger", .good, ".shipit/\(environment.name).db can be read and written"))
      } catch {
        examinations.append(Examination("ledger", .bad, error.message, hint: error.hint))
      }
      let overrides = try Endpoints(processEnvironment()).overrides
      do throws(Failure) {
        _ = try await Session(project, environment, console, needsVariables: true)
        examinations.append(Examination("secrets", .good, "every name has a value"))
      } catch {
        examinations.append(Examination("secrets", .bad, error.message, hint: error.hint))
      }
      do throws(Failure) {
        let session = try await Session(project, environment, console, needsVariables: false)
        do throws(Failure) {
          let revision = try await session.history.resolve("HEAD")
          examinations.append(
            Examination("revision", .good, "HEAD is \(revision.commit.prefix(7)), \(revision.subject)"))
        } catch {
          examinations.append(Examination("revision", .bad, error.message, hint: error.hint))
        }
        for platform in session.platforms.values { examinations += await platform.examine(environment) }
      } catch {
        examinations.append(
          Examination("platforms", .skipped, "not asked: \(error.message)", hint: error.hint))
      }
      console.result(DoctorReport(environment: environment.name, examinations, overrides: overrides))
      return examinations.contains { $0.verdict == .bad } ? .authentication : .done
    }
  }
}
