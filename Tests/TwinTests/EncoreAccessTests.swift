import Concurrency
import JSON
import Testing

@testable import Twin

@Suite struct EncoreAccessTests {
  @Test func aClientsTokenHoldsForAnHourAndIsRefusedAfterwards() async throws {
    let bench = try await EncoreBench()
    let answer = try await bench.send(
      "POST", "/api/oauth/token",
      form: "grant_type=client_credentials&client_id=o2c_deployer&client_secret=s3cret")
    #expect(answer.body["token_type"] == "Bearer")
    #expect(answer.body["expires_in"] == 3600)
    #expect(answer.body["actor"] == "o2c_deployer")
    #expect(answer.body["refresh_token"] == nil)
    let token = try #require(answer.body["access_token"]?.string)
    let path = "/api/apps/shop-x1/envs/prod/rollouts"
    bench.clock.advance(3599)
    #expect(try await bench.send("POST", path, ["sha": .string(EncoreBench.one)], token: token).status == 200)
    bench.clock.advance(2)
    let refused = try await bench.send("POST", path, ["sha": .string(EncoreBench.one)], token: token)
    #expect(refused.status == 401)
    #expect(refused.body["code"] == "unauthenticated")
    #expect(await bench.twin.state.rollouts.count == 1)
  }

  @Test(arguments: [
    "grant_type=client_credentials&client_id=o2c_deployer&client_secret=wrong",
    "grant_type=client_credentials&client_id=nobody&client_secret=s3cret",
  ])
  func wrongCredentialsOfAClientGiveNoToken(form: String) async throws {
    let bench = try await EncoreBench()
    let answer = try await bench.send("POST", "/api/oauth/token", form: form)
    #expect(answer.status == 401)
    #expect(answer.body["access_token"] == nil)
  }

  @Test func credentialsInTheQueryAreNotRead() async throws {
    let bench = try await EncoreBench()
    let query = "?grant_type=client_credentials&client_id=o2c_deployer&client_secret=s3cret"
    #expect(try await bench.send("POST", "/api/oauth/token" + query).status == 400)
  }

  @Test func anAuthKeyLogsInAsTheAppAndItsTokenIsRefreshed() async throws {
    let bench = try await EncoreBench()
    let login = try await bench.login()
    #expect(login["email"] == "")
    #expect(login["app_slug"] == "shop-x1")
    let old = try #require(login["token"]?["access_token"]?.string)
    let refresh = try #require(login["token"]?["refresh_token"]?.string)
    #expect(try await bench.send("GET", "/apps/shop-x1", token: old).status == 200)
    bench.clock.advance(3700)
    let refused = try await bench.send("GET", "/apps/shop-x1", token: old)
    #expect(refused.status == 401)
    #expect(refused.body["ok"] == false)
    let answer = try await bench.send(
      "POST", "/login/oauth:refresh-token", form: "grant_type=refresh_token&refresh_token=\(refresh)")
    let new = try #require(answer.body["access_token"]?.string)
    #expect(try await bench.send("GET", "/apps/shop-x1", token: new).status == 200)
  }

  @Test func aDeletedAuthKeyCutsOffWhoeverUsedItAndRefreshingLogsOut() async throws {
    let bench = try await EncoreBench()
    let login = try await bench.login()
    let token = try #require(login["token"]?["access_token"]?.string)
    let refresh = try #require(login["token"]?["refresh_token"]?.string)
    _ = try await bench.control("revoke", ["authKey": "ena_key"])
    #expect(try await bench.send("GET", "/apps/shop-x1", token: token).status == 401)
    let answer = try await bench.send(
      "POST", "/login/oauth:refresh-token", form: "grant_type=refresh_token&refresh_token=\(refresh)")
    #expect(answer.status == 422)
  }

  @Test func aSingleUseKeyLogsInOnceAndAnEphemeralLoginEndsAfterAnHour() async throws {
    let bench = try await EncoreBench()
    #expect(try await bench.login("ena_once")["token"] != nil)
    #expect(try await bench.login("ena_once") == .null)
    let login = try await bench.login("ena_hour")
    let refresh = try #require(login["token"]?["refresh_token"]?.string)
    bench.clock.advance(3601)
    let answer = try await bench.send(
      "POST", "/login/oauth:refresh-token", form: "grant_type=refresh_token&refresh_token=\(refresh)")
    #expect(answer.status == 422)
  }

  @Test func eachKindOfTokenOpensItsOwnRoutesOfItsOwnApp() async throws {
    let bench = try await EncoreBench()
    let client = try await bench.clientToken()
    let cli = try await bench.cliToken()
    let reader = try await bench.clientToken("o2c_reader")
    let body: JSON = ["sha": .string(EncoreBench.one)]
    #expect(try await bench.send("GET", "/apps/shop-x1", token: client).status == 401)
    let path = "/api/apps/shop-x1/envs/prod/rollouts"
    #expect(try await bench.send("POST", path, body, token: cli).status == 401)
    #expect(try await bench.send("POST", path, body, token: reader).status == 403)
    #expect(try await bench.send("GET", "/apps/other-x2", token: cli).status == 403)
    #expect(
      try await bench.send("POST", "/api/apps/other-x2/envs/prod/rollouts", body, token: client).status == 403
    )
    let apps = try await bench.send("GET", "/user/apps", token: cli)
    #expect(apps.body["data"]?.array?.compactMap { $0["slug"]?.string } == ["shop-x1"])
  }
}
