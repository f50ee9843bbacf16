/// By what AWS knows who asks. It shows no secret when it is printed.
package struct Credentials: Sendable, CustomStringConvertible, CustomReflectable {
  package var keyID: String
  package var secret: String
  /// Of temporary credentials.
  package var sessionToken: String?

  package init(keyID: String, secret: String, sessionToken: String? = nil) {
    self.keyID = keyID
    self.secret = secret
    self.sessionToken = sessionToken
  }

  package var description: String { "credentials of \(keyID)" }
  package var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }
}
