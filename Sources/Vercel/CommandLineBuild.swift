import Model
import Processes

/// Runs Vercel's own command line tool.
struct CommandLineBuilder: Sendable {
  let launcher: Launcher
  let variables: [String: String]
}

extension VercelPlatform {
  func build(
    _ tree: PrivateDirectory, root: String?, _ request: Deployment.Request, _ place: Place, _ call: StepCall
  ) async throws(Trouble) {
  }
}
