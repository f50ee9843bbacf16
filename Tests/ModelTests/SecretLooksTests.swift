import Model
import Testing

/// What must not be copied, and what may.
@Suite struct SecretLooksTests {
  @Test(arguments: [
    "DATABASE_PASSWORD=Gh7kPq29xLm4Zt node dist", "SECRET_KEY=changeme123 python app.py",
    "node dist --api-key Gh7kPq29xLm4ZtW8", "redis-server --requirepass hunter2pass",
    "mysql -uroot -pGh7kPq29", "curl -u admin:Gh7kPq29xL https://x", "curl --user=admin:Gh7kPq29xL https://x",
    #"curl -H "Authorization: Bearer Gh7kPq29xLm4ZtW8" https://x"#, "psql postgres://u:Gh7kPq29xLm4@db/x",
    "npm config set //registry.npmjs.org/:_authToken=Gh7kPq29xLm4", "ADMIN_PIN=839201 ./run",
    "PGPASSWORD=hunter2 psql", "vercel --token=0f3b2c1d-1234-4abc-9def-0123456789ab",
    "API_KEY='Gh7k Pq29' ./run", "PASSWORD=${PASSWORD:-hunter2} ./run", "redis-cli -a hunter2 ping",
    "docker login -u me -p hunter2pass", "run sk_live_0123456789abcdef0123",
    "run ghp_Gh7kPq29xLm4ZtW8Gh7kPq29xLm4ZtW8abcd", "run glpat-Gh7kPq29xLm4ZtW8Gh7k",
    "run github_pat_Gh7kPq29xLm4ZtW8", "run xoxb-123456789012-abcdef", "run AKIAIOSFODNN7EXAMPLE1",
    "run eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx", "run Gh7kPq29xLm4ZtW8Gh7kPq29x",
  ])
  func `a secret in a command is seen, and dots stand in its place`(_ command: String) {
    #expect(SecretLooks.text(command))
    let shown = SecretLooks.masked(command)
    #expect(shown.contains("•••"))
    for value in ["Gh7k", "hunter2", "changeme123", "839201", "0f3b2c1d", "sk_live_0", "AKIA", "eyJhb"] {
      #expect(!shown.contains(value), "\(shown)")
    }
  }

  @Test(arguments: [
    "uvicorn app:app --host 0.0.0.0 --port $PORT", "SECRET_KEY=$SECRET_KEY python app.py",
    "vercel deploy --token=${VERCEL_TOKEN}", "vercel --token ${{ secrets.VERCEL_TOKEN }} --prod",
    "run --api-key $(cat key)", "NODE_ENV=production node dist", "mysql -uroot -p$PASSWORD",
    #"curl -H "Authorization: Bearer $TOKEN" https://x"#, "psql postgres://u:${PW}@db/x",
    "docker login --password-stdin", "run --cache-key v1-abc", "run --ssl-key ./certs/server.key",
    "AUTH=true ./run", "TOKEN_TTL=3600 ./run", "NEXT_PUBLIC_KEY=pk1 next build", "npx prisma migrate deploy",
    "gunicorn shop.wsgi --log-file - --bind 0.0.0.0:$PORT", "pnpm turbo build --filter=@acme/web",
    "docker run image@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  ])
  func `a command without one is left as it is`(_ command: String) {
    #expect(!SecretLooks.text(command), "\(SecretLooks.parts(of: command).map(\.what))")
    #expect(SecretLooks.masked(command) == command)
  }

  @Test func `a value is judged by its name and by itself`() {
    #expect(SecretLooks.value("839201", of: "ADMIN_PIN"))
    #expect(SecretLooks.value("//r/:_authToken=Gh7kPq29xLm4", of: "NPM_RC"))
    #expect(SecretLooks.value("x9", of: "apiKey") && SecretLooks.value("x9", of: "db-password"))
    #expect(!SecretLooks.value("abc", of: "PLAIN") && !SecretLooks.value("${A}", of: "API_KEY"))
    #expect(!SecretLooks.value("https://login.example.com", of: "AUTH_URL"))
  }

  @Test func `a line of a file hides values by their names, and keeps the names of secrets`() {
    #expect(SecretLooks.masked(line: "-       API_KEY: hunter2  # mine") == "-       API_KEY: •••  # mine")
    #expect(SecretLooks.masked(line: #"{"ADMIN_PIN": "839201", "A": 1}"#) == #"{"ADMIN_PIN": •••, "A": 1}"#)
    let line = "+     token: {secret: RAILWAY_API_TOKEN}"
    #expect(SecretLooks.masked(line: line) == line)
  }
}
