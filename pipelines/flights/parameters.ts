/** What `perdura run flights` takes; anything else is refused. */
export const parameters = {
  data: "'newest', or the key of an arrived file, or a list of keys; there is no default",
  trainer: "'built-in' (the default) or 'lightgbm'",
};
