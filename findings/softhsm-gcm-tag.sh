#!/usr/bin/env bash
# PKCS #11 has a code of its own for ciphertext that does not verify (CKR_ENCRYPTED_DATA_INVALID). SoftHSM answers
# AES-GCM with other associated data by CKR_GENERAL_ERROR instead, the code of any internal fault. Whoever retries on
# that code, or takes the token for broken, does so for every row that somebody has moved. The session goes on.
# SoftHSM is Debian's `softhsm2`, taken apart in the temp folder: nothing is installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq softhsm2=2.6.1-2.1 libsofthsm2=2.6.1-2.1 softhsm2-common=2.6.1-2.1 >/dev/null 2>&1
for package in *.deb; do dpkg-deb -x "$package" root; done
mkdir tokens
cat >softhsm2.conf <<CONF
directories.tokendir = $folder/tokens
objectstore.backend = file
CONF
export SOFTHSM2_CONF=$folder/softhsm2.conf
module=$(find root -name libsofthsm2.so | head -1)
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pkcs11js@2.1.7
cat >look.cjs <<'JS'
const pkcs11 = require('pkcs11js');
const token = new pkcs11.PKCS11();
token.load(process.argv[2]);
token.C_Initialize();
const [slot] = token.C_GetSlotList(true);
token.C_InitToken(slot, '1234', 'finding'.padEnd(32));
const initialised = token.C_GetSlotList(true).find((each) => token.C_GetTokenInfo(each).label.startsWith('finding'));
const session = token.C_OpenSession(initialised, pkcs11.CKF_RW_SESSION | pkcs11.CKF_SERIAL_SESSION);
token.C_Login(session, pkcs11.CKU_SO, '1234');
token.C_InitPIN(session, '5678');
token.C_Logout(session);
token.C_Login(session, pkcs11.CKU_USER, '5678');
const key = token.C_GenerateKey(session, { mechanism: pkcs11.CKM_AES_KEY_GEN }, [
  { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_SECRET_KEY },
  { type: pkcs11.CKA_KEY_TYPE, value: pkcs11.CKK_AES },
  { type: pkcs11.CKA_VALUE_LEN, value: 32 },
  { type: pkcs11.CKA_ENCRYPT, value: true },
  { type: pkcs11.CKA_DECRYPT, value: true },
]);
const gcm = (aad) => ({
  mechanism: pkcs11.CKM_AES_GCM,
  parameter: { type: pkcs11.CK_PARAMS_AES_GCM, iv: Buffer.alloc(12, 7), aad: Buffer.from(aad), tagBits: 128 },
});
token.C_EncryptInit(session, gcm('row 1'), key);
const sealed = token.C_Encrypt(session, Buffer.from('content'), Buffer.alloc(64));
const open = (aad) => {
  token.C_DecryptInit(session, gcm(aad), key);
  try {
    return token.C_Decrypt(session, sealed, Buffer.alloc(64)).toString();
  } catch (error) {
    return error.message.split(/[:\n]/)[0].trim();
  }
};
const { libraryVersion } = token.C_GetInfo();
const [other, same] = [open('row 2'), open('row 1')];
console.log(`SoftHSM ${libraryVersion.major}.${libraryVersion.minor}, pkcs11js ${require('pkcs11js/package.json').version}`);
console.log(`opened for another row: ${other}; for its own row, afterwards: ${same}`);
if (other !== 'CKR_GENERAL_ERROR' || same !== 'content') {
  console.error('changed');
  process.exit(1);
}
JS
node look.cjs "$folder/$module"
