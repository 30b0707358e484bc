import { leafHash, merkleRoot, nodeHash } from '../../audit/merkle.ts';

// Inputs and roots of the Certificate Transparency reference tests (google/certificate-transparency, merkle_test.py, transparency-dev/merkle).
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => Buffer.from(hex, 'hex'),
);
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('roots of trees of 0 to 8 leaves are those of Certificate Transparency', () => {
  expect(roots.map((_, size) => merkleRoot(leaves.slice(0, size)))).toEqual(roots);
});

test('leaf and node hashes are those of Certificate Transparency', () => {
  expect(leafHash(Buffer.from('101112131415161718191a1b1c1d1e1f', 'hex')).toString('hex')).toBe(
    '3bfb960453ebaebf33727da7a1f4db38acc051d381b6da20d6d4e88f0eabfd7a',
  );
  const left = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
  const right = Buffer.from('202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f', 'hex');
  expect(nodeHash(left, right).toString('hex')).toBe(
    '1a378704c17da31e2d05b6d121c2bb2c7d76f6ee6fa8f983e596c2d034963c57',
  );
});

test('the order of leaves counts', () => {
  expect(merkleRoot(leaves.slice(0, 2))).not.toBe(merkleRoot(leaves.slice(0, 2).toReversed()));
});
