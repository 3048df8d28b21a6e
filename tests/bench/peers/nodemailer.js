// Sends a message with nodemailer: SECURITY HOST PORT CA USER PASSWORD COUNT SENDER RECIPIENT... < MESSAGE
'use strict';
const fs = require('fs');
const nodemailer = require('nodemailer');

const [security, host, port, ca, user, pass, count, from, ...to] = process.argv.slice(2);
const options = { host, port: Number(port), secure: security === 'implicit', ignoreTLS: security === 'none' };
if (security !== 'none') {
  options.requireTLS = security === 'starttls';
  options.tls = { ca: fs.readFileSync(ca) };
  options.auth = { user, pass };
}
if (Number(count) > 1) {
  Object.assign(options, { pool: true, maxConnections: 1, maxMessages: Infinity });
}
const raw = Number(count) > 1 ? fs.readFileSync(0) : fs.createReadStream(null, { fd: 0 });
const transport = nodemailer.createTransport(options);
(async () => {
  for (let n = 0; n < Number(count); n++) {
    const { rejected } = await transport.sendMail({ envelope: { from, to }, raw });
    if (rejected.length) throw new Error(`refused: ${rejected}`);
  }
  transport.close();
})().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
