import Concurrency
package import Model

extension VercelPlatform {
  package func examine(_ environment: Environment) async -> [Examination] { [] }
}
