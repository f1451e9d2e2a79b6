# SPDX-License-Identifier: Apache-2.0
"""What is run inside Thunderbird: the calls that its own windows make."""

from typing import Final

# Dialogues would wait for a person: they are noted, and answered with "no".
_BEGIN: Final = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const account = MailServices.accounts.defaultAccount;
const told = [];
const note = (parent, title, text) => { told.push(text); };
Services.prompt = {
  alert: note,
  confirm: (...said) => { note(...said); return false; },
  confirmEx: (...said) => { note(...said); return 1; },
};
"""

# Returns [succeeded, what the user was told].
SEND: Final = (
    _BEGIN
    + """
MailServices.outgoingServer.getServerByIdentity(account.defaultIdentity).wrappedJSObject.password =
  given.password;
const fields = Cc["@mozilla.org/messengercompose/composefields;1"]
  .createInstance(Ci.nsIMsgCompFields);
fields.from = `${account.defaultIdentity.fullName} <${account.defaultIdentity.email}>`;
fields.to = given.recipient;
fields.subject = given.subject;
const send = Cc["@mozilla.org/messengercompose/send;1"].createInstance(Ci.nsIMsgSend);
const status = await new Promise(resolve => {
  send.createAndSendMessage(
    null, account.defaultIdentity, account.key, fields, false, false,
    Ci.nsIMsgSend.nsMsgDeliverNow, null, "text/plain", given.text, null, null,
    {
      QueryInterface: ChromeUtils.generateQI(["nsIMsgSendListener"]),
      onStartSending() {}, onSendProgress() {}, onStatus() {}, onGetDraftFolderURI() {},
      onSendNotPerformed() {}, onTransportSecurityError() {},
      onStopSending: (id, result) => resolve(result),
    },
    "", null, Ci.nsIMsgCompType.New).catch(error => { told.push(String(error)); });
});
return [Components.isSuccessCode(status), told.join("; ")];
"""
)

FETCH: Final = (
    _BEGIN
    + """
const server = account.incomingServer;
server.password = given.password;
const inbox = server.rootMsgFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
const status = await new Promise(resolve => {
  MailServices.pop3.GetNewMail(null, {
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
    OnStartRunningUrl() {},
    OnStopRunningUrl: (url, result) => resolve(result),
  }, inbox, server);
});
return [Components.isSuccessCode(status), told.join("; ")];
"""
)
