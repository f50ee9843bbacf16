import AWS
import Concurrency
import Foundation
import JSON
import Testing

/// Signatures of AWS against those of botocore, for requests of AWS's own test suite and for our two services.
@Suite struct SignatureTests {
  static let credentials = Credentials(
    keyID: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

  @Test("every request is signed as AWS signs it")
  func vectors() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("SignatureVectors.json")
    let fixture = try JSON(parsing: Data(contentsOf: file))
    let cases = try #require(fixture["cases"]?.array)
    #expect(cases.count == 19)
    for vector in cases {
      let name = try #require(vector["name"]?.string)
      let (region, service) = (
        try #require(vector["region"]?.string), try #require(vector["service"]?.string)
      )
      let signature = Signature(region: region, service: service)
      let host = try #require(vector["host"]?.string)
      var headers = [(name: "host", value: host)]
      for header in vector["headers"]?.array ?? [] {
        headers.append((header[0]?.string ?? "", header[1]?.string ?? ""))
      }
      var credentials = Self.credentials
      credentials.sessionToken = vector["token"]?.string
      let at = try #require(vector["at"]?.string)
      let moment = try #require(Self.moment(at))
      let added = signature.headers(
        for: .init(
          method: vector["method"]?.string ?? "", path: vector["path"]?.string ?? "",
          query: vector["query"]?.string ?? "", headers: headers),
        payload: Signature.payload(of: Array((vector["body"]?.string ?? "").utf8)), by: credentials,
        at: moment)
      let written = added.first { $0.name == "authorization" }?.value.replacingOccurrences(
        of: ", ", with: ",")
      let wanted = vector["authorization"]?.string?.replacingOccurrences(of: ", ", with: ",")
      #expect(written == wanted, "\(name)")
    }
  }

  @Test("a request that was changed after it was signed has another signature")
  func changed() {
    let signature = Signature(region: "eu-north-1", service: "secretsmanager")
    func code(_ body: String, at milliseconds: Int64 = 0, _ path: String = "/") -> String? {
      signature.headers(
        for: .init(method: "POST", path: path, headers: [("host", "h")]),
        payload: Signature.payload(of: Array(body.utf8)), by: Self.credentials,
        at: Timestamp(milliseconds: milliseconds)
      ).last?.value
    }
    #expect(code("a") == code("a") && code("a") != code("b") && code("a") != code("a", at: 1000))
    #expect(code("a") != code("a", "/b"))
  }

  @Test("credentials do not show when they are printed")
  func printed() {
    var dumped = "\(Self.credentials)"
    dump(Self.credentials, to: &dumped)
    #expect(!dumped.contains("wJalr") && dumped.contains("AKIDEXAMPLE"))
  }

  private static func moment(_ stamp: String) -> Timestamp? {
    var text = stamp
    for (offset, sign) in [(13, ":"), (11, ":"), (6, "-"), (4, "-")] {
      text.insert(contentsOf: sign, at: text.index(text.startIndex, offsetBy: offset))
    }
    return Timestamp(iso8601: text)
  }
}
