{
  // The application's id on Encore Cloud.
  "id": "demo-jobs-x1",
  "lang": "typescript",
}
