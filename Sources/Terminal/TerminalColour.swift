/// Whether to use colours.
package enum TerminalColour {
  /// The flag decides, then `NO_COLOR`, then `CLICOLOR_FORCE`, then whether it is a terminal that can.
  /// - Parameter flag: what the command line says; nil when it says nothing.
  package static func isWanted(flag: Bool?, environment: [String: String], isTerminal: Bool) -> Bool {
    if let flag { return flag }
    if environment["NO_COLOR"]?.isEmpty == false { return false }
    if let force = environment["CLICOLOR_FORCE"], !force.isEmpty, force != "0" { return true }
    return isTerminal && environment["TERM"] != "dumb"
  }
}
